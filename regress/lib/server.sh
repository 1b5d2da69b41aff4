# shellcheck shell=bash
# A private, throwaway server for scripts: sourced, after "set -u", with $src set to
# the top of the tree.  Leaves in the environment: PATH with the private
# installation first, PGHOST, PGUSER, PGDATABASE; in $server the server's directory.

# server_build DIR: builds and installs privately below DIR
server_build() {
	local pg_config
	pg_config=$("$src/regress/run-suites" "$1" build | tail -n 1)
	[ -x "$pg_config" ] || { cat "$1/build.log" >&2; return 1; }
	PATH=$("$pg_config" --bindir):$PATH
}

# server_start DIR NAME [SETTING...]: starts a server in a new directory below DIR;
# it is stopped, and its directory removed, when the script ends
server_start() {
	server=$(mktemp -d "$1/$2.XXXXXX")
	trap server_stop EXIT
	initdb -D "$server/data" -A trust -U postgres --no-sync -E UTF8 --locale=C.UTF-8 >"$server/initdb.log" ||
		{ cat "$server/initdb.log" >&2; return 1; }
	{
		printf "listen_addresses = ''\nunix_socket_directories = '%s'\nfsync = off\n" "$server"
		[ $# -le 2 ] || printf '%s\n' "${@:3}"
	} >>"$server/data/postgresql.conf"
	pg_ctl -D "$server/data" -l "$server/log" -w start >/dev/null || { cat "$server/log" >&2; return 1; }
	export PGHOST=$server PGUSER=postgres PGDATABASE=postgres
}

server_stop() {
	[ -n "${server:-}" ] || return 0
	pg_ctl -D "$server/data" -m immediate stop >/dev/null 2>&1 || true
	[ "${server_keep:-}" = yes ] || rm -rf "$server"
	server=
}
