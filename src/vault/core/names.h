#ifndef VAULT_CORE_NAMES_H
#define VAULT_CORE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/status.h"

/* Names of the REST API and their rules (docs/protocols/rest.md). Names of
 * vaults and keys compare without regard to case; what a client wrote first is
 * what is shown, and is what the module binds a key to. */
#define VAULT_NAME_MAX 24u
#define VAULT_KEY_NAME_MAX 127u
#define VAULT_KEY_VERSION_LEN 32u
#define VAULT_GUID_LEN 36u
#define VAULT_GROUP_NAME_MAX 90u
#define VAULT_TAGS_MAX 15u

/* 3-24 letters, digits, hyphens; begins with a letter, ends with a letter or digit, no two hyphens together. */
bool vault_name_is_valid(const char *name);
/* 1-127 letters, digits, hyphens. */
bool vault_key_name_is_valid(const char *name);
/* 32 hex digits. */
bool vault_key_version_is_valid(const char *version);
/* 1-90 letters, digits, -_.() and no dot at the end. */
bool vault_group_name_is_valid(const char *name);

/* A new key version: 32 lower-case hex digits from the kernel's generator.  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_new_version(char out[VAULT_KEY_VERSION_LEN + 1]);
/* A new random GUID (version 4), lower case.  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_new_guid(char out[VAULT_GUID_LEN + 1]);

#endif
