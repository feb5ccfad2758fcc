# Everything a user needs. What the targets fetch stays in .tools/ and target/; nothing is system-wide.

.DEFAULT_GOAL := help
.PHONY: help run test bench fuzz tools

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

# Many organizations lie on fewer, larger pages, as under systemd.
run bench: export GLIBC_TUNABLES = glibc.malloc.hugetlb=1

run: ## the daemon with a simulated telephony load; prints the URLs, Ctrl-C ends it
	tools/run

test: tools ## format, lints, docs, unit, property, real-NATS and real-SIP tests
	cargo fmt --check
	cargo clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps
	cargo test --locked

bench: tools ## the performance table
	cargo bench --locked

fuzz: ## five minutes of fuzzing a target
	tools/fuzz

tools: ## fetch nats-server, promtool, an SMTP server and schemathesis into .tools/; install systemd-analyze, Kamailio, SIPp and LibreOffice where missing
	tools/fetch-nats-server
	tools/fetch-promtool
	tools/install-systemd-analyze
	tools/install-sip
	tools/fetch-smtp-receiver
	tools/fetch-schemathesis
	tools/install-office
