# safedeploy: the server module by PGXS at the top, the CLI through a sub-make.
# The goals of developers stand apart: they need no pg_config yet, because
# regress/setup-deps brings it, and PGXS has a rule "check" of its own.
ifneq (,$(filter check check-faults check-memory check-versions coverage demo bench fuzz lint format,$(MAKECMDGOALS)))

# Everything that is a test, on private throwaway servers; see regress/check.
check:
	regress/setup-deps
	regress/check
# The trials of regress/faults, each twenty times, which takes an hour or two on two processors.
check-faults:
	regress/setup-deps
	SD_TRIALS=$(or $(SD_TRIALS),20) regress/check faults
# Sanitizers, assertions and valgrind; see regress/check-memory.
check-memory:
	regress/setup-deps
	regress/setup-deps --memory
	regress/check-memory
# Which lines the tests run, of each file and in total.
coverage:
	regress/setup-deps
	SD_INSTRUMENT=coverage regress/check
check-versions:
	regress/setup-deps --versions
	regress/check-versions $(MAJORS)
demo:
	regress/setup-deps
	regress/demo
bench:
	regress/setup-deps
	regress/setup-deps --bench
	regress/bench/run
fuzz:
	regress/setup-deps --fuzz
	regress/fuzz/run $(SECONDS)
lint:
	regress/setup-deps --lint
	ci/lint
format:
	clang-format -i $$(git ls-files '*.c' '*.h')
.PHONY: check check-faults check-memory check-versions coverage demo bench fuzz lint format

else

EXTENSION   = safedeploy
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(EXTENSION).control)

MODULE_big = safedeploy
OBJS = \
	extension/safedeploy.o \
	extension/sd_drift.o \
	extension/sd_failpoint.o \
	extension/sd_fence.o \
	extension/sd_analyze.o \
	extension/sd_analyze_sql.o \
	extension/sd_comments.o \
	extension/sd_ddl.o \
	extension/sd_ddl_common.o \
	extension/sd_ddl_enum.o \
	extension/sd_ddl_environment.o \
	extension/sd_ddl_foreign.o \
	extension/sd_ddl_list.o \
	extension/sd_ddl_misc.o \
	extension/sd_ddl_operator.o \
	extension/sd_ddl_privileges.o \
	extension/sd_ddl_replication.o \
	extension/sd_ddl_routine.o \
	extension/sd_ddl_sequence.o \
	extension/sd_ddl_table.o \
	extension/sd_ddl_table_column.o \
	extension/sd_ddl_table_constraint.o \
	extension/sd_ddl_table_index.o \
	extension/sd_ddl_table_part.o \
	extension/sd_ddl_table_policy.o \
	extension/sd_ddl_table_storage.o \
	extension/sd_ddl_table_trigger.o \
	extension/sd_ddl_table_type.o \
	extension/sd_ddl_table_view.o \
	extension/sd_ddl_text_search.o \
	extension/sd_ddl_type.o \
	extension/sd_diff.o \
	extension/sd_diff_acl.o \
	extension/sd_diff_cause_column.o \
	extension/sd_diff_cause_parent.o \
	extension/sd_diff_depends.o \
	extension/sd_diff_fold.o \
	extension/sd_diff_hits.o \
	extension/sd_diff_json.o \
	extension/sd_diff_lex.o \
	extension/sd_diff_load.o \
	extension/sd_diff_match.o \
	extension/sd_diff_names.o \
	extension/sd_diff_order.o \
	extension/sd_diff_policy.o \
	extension/sd_diff_rules.o \
	extension/sd_diff_text.o \
	extension/sd_diff_walk.o \
	extension/sd_body.o \
	extension/sd_closure.o \
	extension/sd_effect.o \
	extension/sd_effect_ask.o \
	extension/sd_effect_families.o \
	extension/sd_effect_state.o \
	extension/sd_effect_ties.o \
	extension/sd_effect_alter.o \
	extension/sd_effect_catalog.o \
	extension/sd_effect_column.o \
	extension/sd_effect_constraint.o \
	extension/sd_effect_create.o \
	extension/sd_effect_dml.o \
	extension/sd_effect_query.o \
	extension/sd_effect_read.o \
	extension/sd_effect_write.o \
	extension/sd_effect_expression.o \
	extension/sd_effect_drop.o \
	extension/sd_effect_drop_other.o \
	extension/sd_effect_index.o \
	extension/sd_effect_made.o \
	extension/sd_effect_misc.o \
	extension/sd_effect_partition.o \
	extension/sd_effect_publication.o \
	extension/sd_effect_resolve.o \
	extension/sd_effects.o \
	extension/sd_entries.o \
	extension/sd_lex.o \
	extension/sd_names.o \
	extension/sd_narrow.o \
	extension/sd_parse.o \
	extension/sd_rows.o \
	extension/sd_patience.o \
	extension/sd_permit.o \
	extension/sd_permit_use.o \
	extension/sd_plpgsql.o \
	extension/sd_policy.o \
	extension/sd_policy_class.o \
	extension/sd_policy_dml.o \
	extension/sd_policy_loss.o \
	extension/sd_predict.o \
	extension/sd_probe.o \
	extension/sd_probe_check.o \
	extension/sd_probe_domain.o \
	extension/sd_probe_expr.o \
	extension/sd_probe_foreign.o \
	extension/sd_probe_key.o \
	extension/sd_probe_partition.o \
	extension/sd_probe_query.o \
	extension/sd_probe_rows.o \
	extension/sd_probe_script.o \
	extension/sd_probe_type.o \
	extension/sd_progress.o \
	extension/sd_result.o \
	extension/sd_revert.o \
	extension/sd_revert_aside.o \
	extension/sd_revert_load.o \
	extension/sd_revert_members.o \
	extension/sd_revert_order.o \
	extension/sd_revert_plan.o \
	extension/sd_revert_rename.o \
	extension/sd_rules.o \
	extension/sd_ahead.o \
	extension/sd_bodies.o \
	extension/sd_dependents.o \
	extension/sd_lookup.o \
	extension/sd_rules_application.o \
	extension/sd_rules_bodies.o \
	extension/sd_rules_grant.o \
	extension/sd_rules_index.o \
	extension/sd_rules_rerun.o \
	extension/sd_rules_view.o \
	extension/sd_rules_sequence.o \
	extension/sd_rules_enum.o \
	extension/sd_rules_failure.o \
	extension/sd_rules_immutable.o \
	extension/sd_rules_order.o \
	extension/sd_rules_replication.o \
	extension/sd_rules_refused.o \
	extension/sd_rules_room.o \
	extension/sd_rules_routine.o \
	extension/sd_rules_security.o \
	extension/sd_rules_settings.o \
	extension/sd_rules_shape.o \
	extension/sd_rules_style.o \
	extension/sd_rules_timeout.o \
	extension/sd_rules_hot.o \
	extension/sd_rules_managed.o \
	extension/sd_severity.o \
	extension/sd_usage.o \
	extension/sd_words.o \
	extension/sd_context.o \
	extension/sd_context_catalog.o \
	extension/sd_context_server.o \
	extension/sd_context_statements.o \
	extension/sd_track.o \
	extension/sd_rules_cascade.o \
	extension/sd_rules_data.o \
	extension/sd_rules_drop.o \
	extension/sd_rules_drop_part.o \
	extension/sd_rules_key.o \
	extension/sd_rules_lock.o \
	extension/sd_rules_on.o \
	extension/sd_rules_opaque.o \
	extension/sd_rules_partition.o \
	extension/sd_rules_rename.o \
	extension/sd_rules_rewrite.o \
	extension/sd_rules_scan.o \
	extension/sd_rules_transaction.o \
	extension/sd_rules_type.o \
	extension/sd_rules_workload.o \
	extension/sd_estimate.o \
	extension/sd_facts.o \
	extension/sd_keys.o \
	extension/sd_known.o \
	extension/sd_scope.o \
	extension/sd_scope_change.o \
	extension/sd_size.o \
	extension/sd_snapshot.o \
	extension/sd_snapshot_acl.o \
	extension/sd_snapshot_canon.o \
	extension/sd_snapshot_catalogs.o \
	extension/sd_snapshot_columns.o \
	extension/sd_snapshot_comments.o \
	extension/sd_snapshot_constraints.o \
	extension/sd_snapshot_data.o \
	extension/sd_snapshot_depends.o \
	extension/sd_snapshot_deparse.o \
	extension/sd_snapshot_detach.o \
	extension/sd_snapshot_doc.o \
	extension/sd_snapshot_environment.o \
	extension/sd_snapshot_hash.o \
	extension/sd_snapshot_indexes.o \
	extension/sd_snapshot_jsonb.o \
	extension/sd_snapshot_labels.o \
	extension/sd_snapshot_members.o \
	extension/sd_snapshot_misc.o \
	extension/sd_snapshot_names.o \
	extension/sd_snapshot_other.o \
	extension/sd_snapshot_pages.o \
	extension/sd_snapshot_privileges.o \
	extension/sd_snapshot_reference.o \
	extension/sd_snapshot_relations.o \
	extension/sd_snapshot_reuse.o \
	extension/sd_snapshot_routines.o \
	extension/sd_snapshot_rules.o \
	extension/sd_snapshot_scan.o \
	extension/sd_snapshot_search.o \
	extension/sd_snapshot_store.o \
	extension/sd_snapshot_subset.o \
	extension/sd_snapshot_transfer.o \
	extension/sd_snapshot_triggers.o \
	extension/sd_snapshot_types.o \
	extension/sd_snapshot_unread.o \
	extension/sd_snapshot_uses.o \
	extension/sd_snapshot_walk.o \
	extension/sd_snapshot_write.o \
	extension/sd_split.o \
	extension/sd_tree.o \
	extension/sd_try.o \
	extension/sd_type_users.o \
	extension/sd_guc.o \
	extension/sd_hint.o \
	extension/sd_hooks.o \
	extension/sd_keep.o \
	extension/sd_ledger.o \
	extension/sd_ledger_guard.o \
	extension/sd_ledger_hash.o \
	extension/sd_ledger_verify.o \
	extension/sd_lock.o \
	extension/sd_secret.o \
	extension/sd_session.o \
	extension/sd_table.o \
	extension/sd_text_table.o \
	extension/sd_trace.o \
	extension/sd_trace_catalog.o \
	extension/sd_trace_collect.o \
	extension/sd_trace_note.o \
	extension/sd_trace_hooks.o \
	extension/sd_trace_locks.o \
	extension/sd_trace_record.o \
	extension/sd_trace_report.o \
	extension/sd_trace_store.o \
	extension/sd_version.o \
	extension/sd_whole.o

# FAILPOINTS=1 makes a build for tests: see extension/sd_failpoint.h, guard-cli/src/failpoint.h
PG_CPPFLAGS = $(if $(FAILPOINTS),-DSD_FAILPOINTS) -I$(CURDIR)/extension -DSAFEDEPLOY_VERSION='"$(EXTVERSION)"' \
	-ffile-prefix-map=$(CURDIR)=.
PG_CFLAGS   = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wdate-time $(if $(WERROR),-Werror)
SHLIB_LINK  =

# One object a file.  The order is dependency order, never alphabetical.
SQL_SOURCES = \
	sql/schema/schema.sql \
	sql/functions/version.sql \
	sql/functions/protocol_version.sql \
	sql/types/object.sql \
	sql/types/revert_step.sql \
	sql/functions/objects.sql \
	sql/functions/keep_objects.sql \
	sql/functions/keep_others.sql \
	sql/functions/kept_objects.sql \
	sql/functions/fingerprint.sql \
	sql/tables/snapshot.sql \
	sql/tables/object_def.sql \
	sql/tables/snapshot_object.sql \
	sql/functions/take_snapshot.sql \
	sql/functions/drop_snapshot.sql \
	sql/functions/export_snapshot.sql \
	sql/functions/import_snapshot.sql \
	sql/types/fault.sql \
	sql/types/change.sql \
	sql/tables/fencing_token.sql \
	sql/tables/lock.sql \
	sql/tables/run.sql \
	sql/tables/event.sql \
	sql/tables/permit.sql \
	sql/tables/permit_use.sql \
	sql/functions/refuse_write.sql \
	sql/tables/append_only_triggers.sql \
	sql/functions/permit.sql \
	sql/functions/revoke_permit.sql \
	sql/functions/try_lock.sql \
	sql/functions/unlock.sql \
	sql/functions/break_lock.sql \
	sql/functions/lock_holder_pid.sql \
	sql/functions/check_fence.sql \
	sql/functions/begin_run.sql \
	sql/functions/record_event.sql \
	sql/functions/end_run.sql \
	sql/functions/ledger_head.sql \
	sql/functions/diff.sql \
	sql/functions/diff_others.sql \
	sql/functions/definition_sql.sql \
	sql/functions/revert_sql.sql \
	sql/functions/refuse_ddl.sql \
	sql/functions/refuse_drop.sql \
	sql/functions/confirm_drop.sql \
	sql/functions/verify_chain.sql \
	sql/functions/verify_guards.sql \
	sql/functions/verify_ledger.sql \
	sql/tables/drift_event.sql \
	sql/functions/note_ddl.sql \
	sql/functions/record_ddl.sql \
	sql/functions/forget_drift.sql \
	sql/tables/run_statement.sql \
	sql/functions/run_statement_digest.sql \
	sql/tables/applied_migration.sql \
	sql/tables/written_by_functions_triggers.sql \
	sql/functions/require_fence.sql \
	sql/functions/record_migration.sql \
	sql/functions/forget_migration.sql \
	sql/functions/forget_rehearsal.sql \
	sql/grants/grant_reader.sql \
	sql/grants/grant_deployer.sql \
	sql/tables/guard_event_triggers.sql \
	sql/tables/drift_event_triggers.sql \
	sql/views/lock_holders.sql \
	sql/views/progress.sql \
	sql/views/history.sql \
	sql/views/unfinished_runs.sql \
	sql/views/last_known_good.sql \
	sql/views/drift.sql \
	sql/views/permits.sql \
	sql/types/statement.sql \
	sql/types/finding.sql \
	sql/functions/statements.sql \
	sql/functions/comments.sql \
	sql/functions/normalized.sql \
	sql/functions/shape.sql \
	sql/functions/analyze.sql \
	sql/types/effect.sql \
	sql/functions/trace_report.sql \
	sql/functions/trace_effects.sql \
	sql/functions/predict.sql \
	sql/types/probe_result.sql \
	sql/functions/probe.sql \
	sql/functions/rule_catalog.sql \
	sql/views/rules.sql

DATA_built = sql/$(EXTENSION)--$(EXTVERSION).sql
DATA       = $(sort $(wildcard sql/updates/$(EXTENSION)--*--*.sql) $(wildcard sql/releases/$(EXTENSION)--*.sql))

# Names of files under regress/; each is independent of the others but for "setup".
REGRESS        = setup \
	snapshot_store snapshot_views snapshot_depends fingerprint_repeat \
	analyze analyze_rows context near_misses statements comments \
	diff_lineage diff_roots diff_security diff_across diff_types diff_others \
	revert revert_kinds \
	lock fence ledger ledger_attack \
	grants \
	applied_migration drift protect protect_permits trace lastval probe rare_statements
REGRESS_OPTS   = --inputdir=regress --outputdir=regress
ISOLATION      = snapshot_drop snapshot_same diff_ddl snapshot_locked snapshot_torn lock_two_sessions lock_broken lock_concurrent_index ledger_appenders
ISOLATION_OPTS = --inputdir=regress --outputdir=regress/output_iso
TAP_TESTS      = 1
PROVE_TESTS    = regress/t/*.pl
EXTRA_CLEAN    = regress/results regress/output_iso regress/regression.diffs regress/regression.out

# The place of this tree is not in what is built, so that two builds are the same bytes.
# The compiler believes PWD, which may come by a symbolic link.
export PWD := $(CURDIR)

# Flags that the caller has in the environment: PGXS puts the server's into their place,
# which are no flags for migguard.
callers := $(foreach name,CC CFLAGS CPPFLAGS LDFLAGS,$(if $(filter environment%,$(origin $(name))),$(name)='$($(name))'))

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# Makefile.global resets PROVE_FLAGS, so this comes after the include.
PROVE_FLAGS += -I $(CURDIR)/regress/lib

sql/$(EXTENSION)--$(EXTVERSION).sql: $(SQL_SOURCES) $(EXTENSION).control Makefile
	{ printf '%s\n' '-- generated from sql/, do not edit' \
	    '\echo Use "CREATE EXTENSION safedeploy" to load this file. \quit'; \
	  cat $(SQL_SOURCES); } > $@

$(OBJS): $(wildcard extension/*.h extension/common/*.h)

# Where migguard goes.  Not the server's directories: those are on few people's PATH,
# and one migguard serves all servers.
CLI_PREFIX ?= /usr/local

all: cli
cli:
	$(callers) $(MAKE) -C guard-cli all PG_CONFIG='$(PG_CONFIG)' WERROR='$(WERROR)' FAILPOINTS='$(FAILPOINTS)'
install: install-cli install-plugin
install-cli: cli
	$(MAKE) -C guard-cli install PG_CONFIG='$(PG_CONFIG)' DESTDIR='$(DESTDIR)' prefix='$(CLI_PREFIX)'

# Any role may preload a library from $libdir/plugins, so a link there lets
# migguard arm the fence in its child's sessions without superuser rights.
install-plugin: install-lib
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)/plugins'
	ln -sf ../$(MODULE_big)$(DLSUFFIX) '$(DESTDIR)$(pkglibdir)/plugins/$(MODULE_big)$(DLSUFFIX)'
uninstall: uninstall-cli uninstall-plugin
uninstall-cli:
	$(MAKE) -C guard-cli uninstall DESTDIR='$(DESTDIR)' prefix='$(CLI_PREFIX)'
uninstall-plugin:
	rm -f '$(DESTDIR)$(pkglibdir)/plugins/$(MODULE_big)$(DLSUFFIX)'
clean: clean-cli
clean-cli:
	$(MAKE) -C guard-cli clean PG_CONFIG='$(PG_CONFIG)'
.PHONY: cli install-cli install-plugin uninstall-cli uninstall-plugin clean-cli

endif
