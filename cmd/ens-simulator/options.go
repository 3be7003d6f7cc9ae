// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
)

// options are the values of the flags.
type options struct {
	listen, addressFile string
	selfSignedCAFile    string
	certFile, keyFile   string
	seedFile, stateFile string
	logCalls            bool
}

// parseFlags prints the help to output when it is asked for; its error is
// flag.ErrHelp then.
func parseFlags(args []string, output io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("ens-simulator", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&o.listen, "listen", "127.0.0.1:8443", "`address` to listen on; port 0 picks a free one")
	flags.StringVar(&o.addressFile, "address-file", "", "write host:port to this `file` once the simulator listens")
	flags.StringVar(&o.selfSignedCAFile, "tls-self-signed-ca-file", "",
		"serve HTTPS for localhost with a certificate made at start, and write its CA certificate to this `file`")
	flags.StringVar(&o.certFile, "tls-cert-file", "", "serve HTTPS with the PEM certificate in this `file`")
	flags.StringVar(&o.keyFile, "tls-key-file", "", "PEM `file` with the key of --tls-cert-file")
	flags.StringVar(&o.seedFile, "seed", "", "YAML `file` with accessKeys, objects, images and behaviour to start with")
	flags.StringVar(&o.stateFile, "state-file", "", "keep the state in this `file`; when it exists, it is used instead of the seed")
	flags.BoolVar(&o.logCalls, "log-calls", false, "write one line per call to stderr")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			flags.SetOutput(output)
			flags.Usage()
		}
		return options{}, err
	}
	return o, o.validate(flags.Args())
}

func (o options) validate(arguments []string) error {
	switch {
	case len(arguments) > 0:
		return fmt.Errorf("unexpected argument %q: there are only flags", arguments[0])
	case (o.certFile == "") != (o.keyFile == ""):
		return errors.New("--tls-cert-file and --tls-key-file must be given together")
	case o.certFile != "" && o.selfSignedCAFile != "":
		return errors.New("--tls-self-signed-ca-file cannot be given with --tls-cert-file")
	default:
		return nil
	}
}
