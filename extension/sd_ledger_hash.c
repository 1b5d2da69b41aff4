/*
 * sd_ledger_hash.c
 *	  Canonical form of a row of the ledger, and its SHA-256.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/uuid.h"

#include "sd_compat.h"
#include "sd_ledger_hash.h"

static void
append_bytes(StringInfo buf, const char *data, int len)
{
	pq_sendint32(buf, len);
	appendBinaryStringInfo(buf, data, len);
}

/* append_text appends in UTF-8, so that a restore into another encoding verifies. */
static void
append_text(StringInfo buf, const char *data, int len)
{
	char *utf8 = pg_server_to_any(data, len, PG_UTF8);

	append_bytes(buf, utf8, utf8 == data ? len : (int) strlen(utf8));
	if (utf8 != data)
		pfree(utf8);
}

static void
append_value(StringInfo buf, Oid type, Datum value)
{
	switch (type)
	{
		case INT4OID:
			pq_sendint32(buf, 4);
			pq_sendint32(buf, DatumGetInt32(value));
			break;
		case INT8OID:
		case TIMESTAMPTZOID:
			pq_sendint32(buf, 8);
			pq_sendint64(buf, DatumGetInt64(value));
			break;
		case UUIDOID:
			append_bytes(buf, (const char *) DatumGetUUIDP(value)->data, UUID_LEN);
			break;
		case BYTEAOID:
		case TEXTOID:
		{
			struct varlena *v = PG_DETOAST_DATUM_PACKED(value);

			if (type == BYTEAOID)
				append_bytes(buf, VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
			else
				append_text(buf, VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
			break;
		}
		default:
		{
			Oid output;
			bool varlena;
			char *text;

			getTypeOutputInfo(type, &output, &varlena);
			text = OidOutputFunctionCall(output, value);
			append_text(buf, text, strlen(text));
			pfree(text);
		}
	}
}

bytea *
sd_ledger_hash_row(const char *table, TupleDesc desc, const Datum *values, const bool *nulls)
{
	bytea *hash = palloc(VARHDRSZ + SD_SHA256_LENGTH);
	StringInfoData buf;
	SdSha256 *ctx;

	initStringInfo(&buf);
	append_bytes(&buf, table, strlen(table));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		const char *name = NameStr(att->attname);

		if (att->attisdropped || nulls[i] || strcmp(name, SD_LEDGER_HASH_COLUMN) == 0)
			continue;
		append_bytes(&buf, name, strlen(name));
		append_value(&buf, att->atttypid, values[i]);
	}
	ctx = sd_sha256_create();
	sd_sha256_begin(ctx);
	sd_sha256_update(ctx, buf.data, buf.len);
	SET_VARSIZE(hash, VARHDRSZ + SD_SHA256_LENGTH);
	sd_sha256_final(ctx, (uint8 *) VARDATA(hash));
	sd_sha256_free(ctx);
	pfree(buf.data);
	return hash;
}

bool
sd_ledger_hash_equal(const bytea *a, const bytea *b)
{
	return VARSIZE_ANY_EXHDR(a) == SD_SHA256_LENGTH && VARSIZE_ANY_EXHDR(b) == SD_SHA256_LENGTH &&
		   memcmp(VARDATA_ANY(a), VARDATA_ANY(b), SD_SHA256_LENGTH) == 0;
}

char *
sd_ledger_hash_text(const bytea *hash)
{
	size_t len = VARSIZE_ANY_EXHDR(hash);
	char *text = palloc(2 * len + 1);

	hex_encode(VARDATA_ANY(hash), len, text);
	text[2 * len] = '\0';
	return text;
}
