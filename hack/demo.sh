#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Imports an image end to end with real processes: etcd and kube-apiserver, the simulated cloud over HTTPS, and the
# operator under its own service account. Exits 0 only if every check held. KEEP=1 stays up afterwards.
# "make demo" builds what it needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

image=ubuntu-22-04-golden # spec.imageName of the sample
sample=config/samples/ens_v1alpha1_imageimport.yaml
object=imageimport/ubuntu-2204-golden
operator_namespace=ens-image-operator-system

bold='' red='' green='' plain=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then
  bold=$'\e[1m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi
step() { printf '\n%s==> %s%s  [%d s]\n' "$bold" "$*" "$plain" "$SECONDS"; }
note() { printf '    %s\n' "$*"; }
held() { printf '    %sOK%s  %s\n' "$green" "$plain" "$*"; }
die() {
  printf '\n%sFAILED: %s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

# --- processes -------------------------------------------------------------------------------------------------------

work=$(mktemp -d)
pids=()
processes=()

clean_up() {
  local code=$?
  trap - EXIT INT TERM
  if ((code != 0 && code != 130 && code != 143)); then
    for log in "$work"/*.log; do
      [[ ! -s $log ]] || { printf '\n--- the end of %s\n' "${log##*/}" && tail -n 25 "$log"; } >&2
    done
  fi
  # The last one started is stopped first: the operator gives up its lease while the control plane still runs.
  for ((i = ${#pids[@]} - 1; i >= 0; i--)); do
    kill "${pids[i]}" 2>/dev/null || true
    wait "${pids[i]}" 2>/dev/null || true
  done
  rm -rf "$work"
  exit "$code"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND... runs COMMAND in the background with its output in NAME.log.
start() {
  local name=$1
  shift
  "$@" >>"$work/$name.log" 2>&1 &
  pids+=($!)
  processes+=("$name")
}

all_running() {
  local i
  for i in "${!pids[@]}"; do
    kill -0 "${pids[i]}" 2>/dev/null || die "${processes[i]} has ended"
  done
}

# await SECONDS WHAT COMMAND... repeats COMMAND until it succeeds.
await() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    all_running
    ((SECONDS < deadline)) || die "timed out waiting for $what"
    sleep 0.2
  done
}

# --- views -----------------------------------------------------------------------------------------------------------

kubectl() { "$KUBEBUILDER_ASSETS/kubectl" --kubeconfig "$kubeconfig" "$@"; }
field() { kubectl get -n demo "$1" -o "jsonpath={$2}"; }
# The simulator's admin API; kubectl speaks HTTPS, so nothing else has to be installed.
cloud() { kubeconfig=$work/cloud.kubeconfig kubectl get --raw "/-/$1"; }
# One JSON object of a list per line.
lines() { sed 's/},{/}\n{/g'; }
cloud_images() { cloud images | lines | sed -n 's/.*"imageID":"\([^"]*\)","imageName":"\([^"]*\)","status":"\([^"]*\)".*/\1  \2  \3/p'; }
cloud_is_empty() { [[ $(cloud images) == '[]' ]]; }
accepted_imports() { cloud history | lines | grep '"action":"ImportImage"' | grep '"httpStatus":200' | grep -c "\"ImageName\":\"$image" || true; }

# write_kubeconfig FILE SERVER CA_FILE TOKEN
write_kubeconfig() {
  local kubeconfig=$1
  {
    kubectl config set-cluster demo --server "$2" --certificate-authority "$3"
    kubectl config set-credentials demo --token "$4"
    kubectl config set-context demo --cluster demo --user demo
    kubectl config use-context demo
  } >/dev/null
}

# is_ready prints the object's state whenever it has changed. A stalled object will not get ready.
shown=
is_ready() {
  local ready stalled state
  ready='.status.conditions[?(@.type=="Ready")]' stalled='.status.conditions[?(@.type=="Stalled")]'
  state=$(field "$object" "$ready.status} {$stalled.status} {$ready.reason} {.status.imageStatus} {.status.imageID} {.status.imageName")
  if [[ $state != "$shown" ]]; then
    shown=$state
    read -r _ state <<<"$state"
    [[ -z $state ]] || note "$state"
    state=$shown
  fi
  [[ $state != "False True "* ]] || die "$object is stalled: $(field "$object" .status.lastError)"
  [[ $state == "True "* ]]
}
has_error() { [[ -n $(field imageimport/missing-object .status.lastError.code) ]]; }

apply_sample() {
  shown=
  kubectl apply -n demo -f "$sample"
  await 60 "$object to become Ready" is_ready
}

# --- the demo --------------------------------------------------------------------------------------------------------

KUBEBUILDER_ASSETS=$(hack/controlplane/build.sh)
export KUBEBUILDER_ASSETS
kubeconfig=$work/admin.kubeconfig

step "Starting etcd and kube-apiserver, and the simulated cloud"
start control-plane bin/localcluster --kubeconfig "$kubeconfig"
start simulator bin/ens-simulator --listen 127.0.0.1:0 --address-file "$work/address" \
  --tls-self-signed-ca-file "$work/ca.pem" --seed hack/demo/simulator.yaml --log-calls
await 60 "the simulator" test -s "$work/address"
await 60 "the control plane" grep -q ready "$work/control-plane.log"
cloud_address=$(<"$work/address")
cloud_url=https://$cloud_address
# The admin API asks for no token, but kubectl would ask the user for one.
write_kubeconfig "$work/cloud.kubeconfig" "$cloud_url" "$work/ca.pem" unused
note "kube-apiserver $("$KUBEBUILDER_ASSETS/kubectl" --kubeconfig "$kubeconfig" version | sed -n 's/^Server Version: //p'), RBAC on; cloud at $cloud_url"

step "Installing CRD and RBAC (config/default)"
kubectl kustomize config/default | kubectl apply -f - >/dev/null
kubectl wait --for=condition=Established --timeout=30s crd/imageimports.ens.alibabacloud.com >/dev/null
token=$(kubectl create token --duration 24h -n "$operator_namespace" ens-image-operator)
server=$(kubectl config view -o 'jsonpath={.clusters[0].cluster.server}')
kubectl config view --raw -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' | base64 -d >"$work/apiserver-ca.pem"
# The token and nothing else: a client certificate beside it would win, and make the operator an administrator.
write_kubeconfig "$work/operator.kubeconfig" "$server" "$work/apiserver-ca.pem" "$token"

# can VERB RESOURCE [FLAG...] says whether the operator may.
can() { kubeconfig=$work/operator.kubeconfig kubectl auth can-i "$@" --all-namespaces 2>/dev/null || true; }
[[ $(can patch imageimports.ens.alibabacloud.com --subresource status) == yes ]] || die "the operator may not write the status of ImageImports"
for forbidden in "list secrets" "delete imageimports.ens.alibabacloud.com" "create pods" "* *"; do
  read -r verb resource <<<"$forbidden"
  [[ $(can "$verb" "$resource") == no ]] || die "the operator may $forbidden: it runs with more than config/rbac"
done
held "the operator's token gives what config/rbac gives: no list of Secrets, no delete of ImageImports, not admin"

step "Starting the operator under its service account"
start_operator() {
  KUBECONFIG=$work/operator.kubeconfig SSL_CERT_FILE=$work/ca.pem start manager bin/manager \
    --ens-endpoint "$cloud_url" --poll-interval 1s --health-probe-bind-address 0 \
    --leader-elect --leader-election-namespace "$operator_namespace"
}
start_operator
await 30 "the operator to be elected leader" kubectl get lease -n "$operator_namespace" ens-image-operator -o name >/dev/null 2>&1
held "it is the elected leader"

step "Importing an image: a Secret and $sample"
kubectl create namespace demo
kubectl create secret generic ens-credentials -n demo \
  --from-literal accessKeyID=demo-access-key --from-literal accessKeySecret=demo-access-key-secret
apply_sample
held "it is Ready"
echo
kubectl get imageimports -n demo -o wide
echo
note "The cloud's view:"
note "  $(cloud_images)"
image_id=$(field "$object" .status.imageID)
[[ -n $image_id && $(cloud_images) == "$image_id  $image  Available" ]] || die "the cloud does not have exactly the image $image_id named $image"
imported_as=$(cloud history | lines | grep '"action":"ImportImage"' | sed -n 's/.*"ImageName":"\([^"]*\)".*/\1/p')
[[ $imported_as == "$image"?* ]] || die "the image was not imported under a unique name but as $imported_as"
held "imported as $imported_as, renamed to $image"

step "A wrong name is refused at once"
if refusal=$(kubectl apply -n demo -f hack/demo/wrong-name.yaml 2>&1); then
  die "an illegal image name was accepted"
fi
note "$refusal"
[[ $refusal == *spec.imageName*"must start with a letter"* ]] || die "the refusal does not say what is allowed"
held "nothing was created, and the message says what is allowed"

step "A missing OSS object is shown on the ImageImport"
kubectl apply -n demo -f hack/demo/missing-object.yaml
await 30 "the error" has_error
for name in action code message hint requestID; do
  value=$(field imageimport/missing-object ".status.lastError.$name")
  [[ -n $value ]] || die "lastError has no $name"
  note "$(printf '%-10s %s' "$name" "$value")"
done
[[ $(field imageimport/missing-object .status.lastError.code) == InvalidParameter.OSSObject ]] || die "it is another error than expected"
[[ $(field imageimport/missing-object '.status.conditions[?(@.type=="Ready")].status') == False ]] || die "an ImageImport with an error is not Ready=False"
held "Ready is False, reason $(field imageimport/missing-object '.status.conditions[?(@.type=="Ready")].reason')"

step "Deleting everything"
kubectl delete imageimports -n demo --all --timeout=60s
cloud_is_empty || die "the cloud still has images: $(cloud_images)"
held "the image $image_id is gone from the cloud"
[[ $(accepted_imports) == 1 ]] || die "ImportImage was accepted $(accepted_imports) times for $image"
held "ImportImage was accepted exactly once for it"
all_running

printf '\n%sThe demo passed in %d s.%s\n' "$green" "$SECONDS" "$plain"
[[ -n ${KEEP:-} && $KEEP != 0 ]] || exit 0

# --- KEEP=1 ----------------------------------------------------------------------------------------------------------

step "KEEP=1: importing the sample once more for you to play with"
trap 'echo; echo "stopping"; exit 0' INT
apply_sample
cat <<HELP

Everything stays up until you press Ctrl-C. In another terminal:

  export KUBECONFIG=$kubeconfig
  export PATH=$KUBEBUILDER_ASSETS:\$PATH
  kubectl config set-context --current --namespace demo

  kubectl get imageimports -o wide --watch
  kubectl describe $object
  kubectl explain imageimport.spec
  kubectl patch $object --type merge -p '{"spec":{"imageName":"renamed"}}'
  kubectl apply -f $PWD/config/samples/ens_v1alpha1_imageimport_datadisk.yaml
  kubectl apply -f $PWD/hack/demo/missing-object.yaml

The cloud's side (docs/simulator.md; what it was asked, which images it has, and what goes wrong there):

  admin() { curl -sS --fail-with-body --cacert $work/ca.pem "$cloud_url/-/\$1" "\${@:2}"; }
  admin images
  admin history
  admin faults -X POST -d '{"action": "ImportImage", "kind": "DropAfter", "times": 1}'

The operator, which is started again when it ends:

  pkill -9 -f 'bin/manager --ens-endpoint $cloud_url'

Logs: $work/*.log
HELP

# revive_operator does what a kubelet does.
revive_operator() {
  local i
  for i in "${!pids[@]}"; do
    if [[ ${processes[i]} == manager ]] && ! kill -0 "${pids[i]}" 2>/dev/null; then
      note "the operator has ended: starting it again"
      unset "pids[i]" "processes[i]"
      start_operator
    fi
  done
}
while revive_operator && all_running; do sleep 1; done
