# Every target is a script in scripts/ that also works without make.
.DEFAULT_GOAL := help
.PHONY: help run test check docs lab bench day peers

ARGS ?=

help:  ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile
	@echo
	@echo "Arguments go along as ARGS, as in: make test ARGS='tests/core -x'"

run:  ## set up what is missing and serve; data goes to ./var
	@scripts/run.sh $(ARGS)

test:  ## set up what is missing and run all tests
	@scripts/test.sh $(ARGS)

check:  ## lint, format, types and import rules
	@scripts/check.sh $(ARGS)

docs:  ## make the reference pages from the code
	@scripts/docs.sh $(ARGS)

lab:  ## the trial on loopback: real messages to servers of every kind
	@scripts/lab.sh $(ARGS)

bench:  ## measure speed and size, beside Postfix
	@scripts/bench.sh $(ARGS)

day:  ## a day of 100,000 messages in fast motion, every one accounted for
	@scripts/day.sh $(ARGS)

peers:  ## install the real mail servers that tests talk to (Debian, as root)
	@scripts/peers.sh
