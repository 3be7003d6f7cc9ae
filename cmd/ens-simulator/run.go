// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/ens-image-operator/ens-image-operator/internal/enssim"
)

// shutdownGrace is how long calls that are being answered may take after the
// signal to stop.
const shutdownGrace = 5 * time.Second

// run serves until ctx ends.
func run(ctx context.Context, args []string, stderr io.Writer) error {
	o, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	logger := slog.New(slog.NewTextHandler(stderr, nil))
	simulator, err := newSimulator(o, logger)
	if err != nil {
		return err
	}
	tlsConfig, err := o.tlsConfig()
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listening: %w", err)
	}
	scheme := "http"
	address := listener.Addr().String()
	if tlsConfig != nil {
		scheme, listener = "https", tls.NewListener(listener, tlsConfig)
	}
	if o.addressFile != "" {
		if err := writeAddress(o.addressFile, address); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	logger.Info("serving", "url", scheme+"://"+address)
	return serve(ctx, listener, simulator)
}

func newSimulator(o options, logger *slog.Logger) (*enssim.Simulator, error) {
	settings := enssim.Options{}
	if o.logCalls {
		settings.OnCall = func(call enssim.Call) {
			logger.Info("call", "seq", call.Seq, "action", call.Action, "accessKeyID", call.AccessKeyID,
				"httpStatus", call.HTTPStatus, "code", call.Code, "executed", call.Executed, "imageID", call.ImageID,
				"fault", string(call.Fault), "requestID", call.RequestID)
		}
	}
	simulator := enssim.New(settings)
	if o.seedFile != "" {
		text, err := os.ReadFile(o.seedFile)
		if err != nil {
			return nil, fmt.Errorf("reading seed: %w", err)
		}
		seed, err := enssim.ParseSeed(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.seedFile, err)
		}
		if err := simulator.Apply(seed); err != nil {
			return nil, fmt.Errorf("%s: %w", o.seedFile, err)
		}
	}
	if o.stateFile != "" {
		if err := simulator.UseStateFile(o.stateFile); err != nil {
			return nil, err
		}
	}
	return simulator, nil
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		// An answer may be held by a fault for this long at most.
		WriteTimeout: 10 * time.Minute,
		IdleTimeout:  2 * time.Minute,
		// net/http reports every dropped handshake; calls have --log-calls.
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		return errors.Join(fmt.Errorf("shutting down: %w", err), server.Close())
	}
	return nil
}

// writeAddress renames the file into place, so that a reader who waits for it
// never sees half an address.
func writeAddress(path, address string) error {
	temporary := path + ".tmp"
	if err := os.WriteFile(temporary, []byte(address), 0o600); err != nil {
		return fmt.Errorf("writing the address: %w", err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("writing the address: %w", err)
	}
	return nil
}
