# A thin front: meson.build and dev/ do the work.
.PHONY: all check lint format ctime bench trace coverage sanitize install

all:      ; @dev/build
check:    ; @./run-tests
lint:     ; @./run-tests lint
format:   ; @git ls-files '*.c' '*.h' | xargs clang-format -i
ctime:    ; @dev/ctime
bench:    ; @tests/bench/run
trace:    ; @dev/trace
coverage: ; @dev/coverage
sanitize: ; @./run-tests sanitize fuzz
install: all ; @meson install -C build
