# shellcheck shell=bash
# Builds that are watched while they are tested, by SD_INSTRUMENT: sourced by run-suites, with $dir
# and the command make set.  Adds to make, sets what the programs read, and leaves
# instrument_verdict, which prints what was seen and fails if that is a fault.
#   sanitize   migguard under the address, leak and undefined behaviour sanitizers
#   valgrind   the server, and the module in it, under valgrind; PG_CONFIG must be regress/checked-server's
#   coverage   lines of the module and of migguard are counted; with SD_COVERAGE=add, on top of the last
#              time, so that it can be run by parts
# shellcheck disable=SC2154,SC2016
instrument_verdict() { :; }
case ${SD_INSTRUMENT:-} in
	'') ;;
	sanitize)
		# Static, because tests preload libraries, and the sanitizer wants to be first.  The server's
		# checks of the C library's functions would hide what the sanitizer tells better.
		make+=("CLI_INSTRUMENT=-O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
			-fno-omit-frame-pointer -static-libasan -static-libubsan -U_FORTIFY_SOURCE")
		rm -rf "${dir:?}/reports"
		mkdir -p "$dir/reports"
		# into files, because half of the processes have no standard error that anybody reads
		export ASAN_OPTIONS="log_path=$dir/reports/address:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
		export UBSAN_OPTIONS="log_path=$dir/reports/undefined:print_stacktrace=1"
		instrument_verdict() {
			local reports
			reports=$(find "$dir/reports" -type f | wc -l)
			echo "sanitizers: $reports reports"
			grep -q __asan_init "$src/guard-cli/migguard" || { echo 'run-suites: migguard was built without sanitizers' >&2; return 1; }
			[ "$reports" -eq 0 ] || { find "$dir/reports" -type f -exec head -n 40 {} + | head -n 400; return 1; }
		}
		;;
	valgrind)
		suppressions=$(dirname "$("$PG_CONFIG" --pgxs)")/valgrind.supp
		[ -e "$suppressions" ] || suppressions=$(dirname "$("$given_pg_config" --pgxs)")/valgrind.supp
		[ -e "$suppressions" ] || { echo 'run-suites: SD_INSTRUMENT=valgrind wants PG_CONFIG of regress/checked-server' >&2; exit 69; }
		rm -rf "${dir:?}/reports"
		mkdir -p "$dir/reports"
		export PGCTLTIMEOUT=600
		# only the server that is started, not what initdb runs
		[ -e "$bindir/postgres.bare" ] || mv "$bindir/postgres" "$bindir/postgres.bare"
		printf '%s\n' '#!/bin/sh' 'case $1 in' \
			"-D) exec valgrind --quiet --trace-children=yes --leak-check=no --error-limit=no --num-callers=30 --suppressions='$suppressions' --log-file='$dir/reports/%p' '$bindir/postgres.bare' \"\$@\" ;;" \
			"*) exec '$bindir/postgres.bare' \"\$@\" ;;" 'esac' >"$bindir/postgres"
		chmod 0755 "$bindir/postgres"
		# a title starts where the rest of a report is indented; the server adds which statement it was
		instrument_verdict() {
			local errors processes
			errors=$(cat "$dir"/reports/* 2>/dev/null | grep -cE '^==[0-9]+== [^ ]' || true)
			processes=$(find "$dir/reports" -type f | wc -l)
			echo "valgrind: $errors errors in $processes processes"
			[ "$errors" -eq 0 ] || { find "$dir/reports" -type f -size +0 -exec cat {} + | head -n 400; return 1; }
			[ "$processes" -gt 0 ] || { echo 'run-suites: nothing ran under valgrind' >&2; return 1; }
		}
		;;
	coverage)
		# Written out where a process ends otherwise than by exit(), too.
		gcc -O1 -c -o "$dir/coverage_exit.o" "$src/regress/lib/coverage_exit.c" || exit 1
		# counted by atomic additions, because a session and what it forks write at the same time
		make+=("CLI_INSTRUMENT=-O1 --coverage -fprofile-update=atomic -Wl,$dir/coverage_exit.o,--wrap=_exit,--wrap=execve,--wrap=kill"
			'COPT=-O1 --coverage -fprofile-update=atomic' SHLIB_LINK=--coverage)
		[ "${SD_COVERAGE:-}" = add ] || find "$src" -name '*.gcda' -delete
		# what ran in the trials' own build counts too, and only the whole says whether it is enough
		instrument_verdict() {
			local trees=("$src")
			[ -z "${FAILPOINTS:-}" ] || return 0
			[ ! -d "$dir/faults/src/guard-cli/build" ] || trees+=("$dir/faults/src")
			regress/coverage-report "$dir/uncovered" "${trees[@]}" || [ "$suite" != all ]
		}
		;;
	*) echo "run-suites: unknown SD_INSTRUMENT \"$SD_INSTRUMENT\"" >&2; exit 64 ;;
esac
