# shellcheck shell=bash
# Builds that are watched while they are tested, by SD_INSTRUMENT: sourced by run-suites, with $dir
# and the command make set.  Adds to make, sets what the programs read, and leaves
# instrument_verdict, which prints what was seen and fails if that is a fault.
#   sanitize   migguard under the address, leak and undefined behaviour sanitizers
#   coverage   lines of the module and of migguard are counted
instrument_verdict() { :; }
case ${SD_INSTRUMENT:-} in
	'') ;;
	sanitize)
		# Static, because tests preload libraries, and the sanitizer wants to be first.  The server's
		# checks of the C library's functions would hide what the sanitizer tells better.
		make+=("CLI_INSTRUMENT=-O1 -fsanitize=address,undefined -fno-sanitize-recover=all \
			-fno-omit-frame-pointer -static-libasan -static-libubsan -U_FORTIFY_SOURCE")
		rm -rf "${dir:?}/reports"
		mkdir -p -m 0777 "$dir/reports"
		# into files, because half of the processes have no standard error that anybody reads
		export ASAN_OPTIONS="log_path=$dir/reports/address:detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
		export UBSAN_OPTIONS="log_path=$dir/reports/undefined:print_stacktrace=1"
		instrument_verdict() {
			local reports
			reports=$(find "$dir/reports" -type f | wc -l)
			echo "sanitizers: $reports reports"
			[ "$reports" -eq 0 ] || { find "$dir/reports" -type f -exec head -n 40 {} + | head -n 400; return 1; }
		}
		;;
	*) echo "run-suites: unknown SD_INSTRUMENT \"$SD_INSTRUMENT\"" >&2; exit 64 ;;
esac
