/*
 * hash.h
 *	  SHA-256.
 */
#ifndef MG_HASH_H
#define MG_HASH_H

#include <openssl/evp.h>

#include "arena.h"

/* To be filled by EVP_DigestUpdate, and freed by the caller. */
extern EVP_MD_CTX *mg_hash_new(void);

/* Ends it: 64 hex digits. */
extern char *mg_hash_hex(MgArena *arena, EVP_MD_CTX *hash);

/* Of a text in memory, as 64 hex digits. */
extern char *mg_hash_sha256(MgArena *arena, const char *data, size_t len);

#endif
