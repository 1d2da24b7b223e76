# Tingji: `make run` plays the sample hearing through the whole pipeline,
# `make test` proves it. Both install what the machine lacks.

SHELL := /bin/bash
GO ?= go
BIN := bin/tingji

# checkptr refuses what gordonklaus/portaudio does with C arrays; the race
# detector switches it on.
RACE := -race -gcflags=all=-d=checkptr=0

.PHONY: run test lint e2e cross bench fmt build hearing demo-model clean

build:
	@deploy/setup.sh run
	@test -x $(BIN) || echo "make: building; the first time takes a minute or two" >&2
	$(GO) build -o $(BIN) ./cmd/tingji
	@$(GO) build -o bin/demo-asr ./cmd/demo-asr || echo "make: without the demonstration recogniser the sample hearing is replayed" >&2

run: build
	$(BIN) up --again

test:
	@deploy/setup.sh test
	.ci/test ./...

# The contract suite of the log and the whole line, on a real Apache Kafka.
e2e:
	@deploy/setup.sh test
	@deploy/setup.sh e2e
	.ci/e2e

lint:
	@deploy/setup.sh lint
	.ci/lint

# Builds for the machines that courts have besides this one.
cross:
	.ci/cross

bench: build
	.ci/bench

fmt:
	gofmt -l -w asr capture cmd store testdata transcript

# Speaks the sample hearing anew; the result is committed.
hearing:
	@deploy/setup.sh hearing
	$(GO) run ./testdata/hearing/make

# Trains the demonstration recogniser's model anew, from synthetic speech, in
# four minutes of work, twelve on a busy machine; the result is committed.
demo-model:
	@deploy/setup.sh demo-model
	$(GO) run ./testdata/demo-asr/make

clean:
	rm -rf bin data
