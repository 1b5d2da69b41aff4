/*
 * hash.c
 *	  SHA-256, by libcrypto.
 */
#include "hash.h"

#include <openssl/crypto.h>
#include <openssl/opensslv.h>

/* SHA-256 of memory has no other reason to fail than that there is no more of it. */
EVP_MD_CTX *
mg_hash_new(void)
{
	EVP_MD_CTX *hash;

#if OPENSSL_VERSION_NUMBER >= 0x30000000L
	/* made at its first use; where that fails, the library crashes at the next one */
	if (OSSL_LIB_CTX_get0_global_default() == NULL)
		mg_out_of_memory();
#endif
	hash = mg_must(EVP_MD_CTX_new());
	if (EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		mg_out_of_memory();
	return hash;
}

char *
mg_hash_hex(MgArena *arena, EVP_MD_CTX *hash)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	char *hex;

	if (EVP_DigestFinal_ex(hash, digest, &len) != 1)
		mg_out_of_memory();
	hex = mg_alloc(arena, 2 * (size_t) len + 1);
	for (unsigned i = 0; i < len; i++)
	{
		hex[2 * i] = digits[digest[i] >> 4];
		hex[2 * i + 1] = digits[digest[i] & 15];
	}
	return hex;
}

char *
mg_hash_sha256(MgArena *arena, const char *data, size_t len)
{
	EVP_MD_CTX *hash = mg_hash_new();
	char *hex;

	EVP_DigestUpdate(hash, data, len);
	hex = mg_hash_hex(arena, hash);
	EVP_MD_CTX_free(hash);
	return hex;
}
