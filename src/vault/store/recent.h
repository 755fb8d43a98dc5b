#ifndef VAULT_STORE_RECENT_H
#define VAULT_STORE_RECENT_H

#include <stdint.h>

#include "vault/store/store.h"

/* Records that were read lately: a key in steady use costs no look-up in the
 * database. A record is given only as long as nothing at all was written since
 * before it was read, so nobody sees what an acknowledged change has replaced.
 * Bounded: a record takes the place of the one that its name falls on. */
struct vault_recent;

enum vault_recent_kind {
    VAULT_RECENT_VAULT,   /* struct vault_record */
    VAULT_RECENT_ACCESS,  /* uint32_t, permission bits */
    VAULT_RECENT_KEY,     /* struct vault_key */
    VAULT_RECENT_VERSION, /* struct vault_key_version */
    VAULT_RECENT_KINDS,
};
#define VAULT_RECENT_NAME_SIZE 160u

KQ_MUST_CHECK kq_status vault_recent_new(struct vault_recent **out);
void vault_recent_free(struct vault_recent *recent);
KQ_AUTO_DEFINE(vault_recent);

/* What is true now; read it before the database is. */
uint64_t vault_recent_moment(const struct vault_recent *recent);
/* Something was written, or may have been: called when it is on the disk and before anybody is told. */
void vault_recent_outdate(struct vault_recent *recent);

/* A copy of the record of this name (in any case), if it was read at this moment. out is untouched otherwise. */
bool vault_recent_get(struct vault_recent *recent, enum vault_recent_kind kind, const char *name, uint64_t moment,
                      void *out);
/* Keeps a copy of what was read after the moment; a name that is empty or too long, or no memory: keeps nothing. */
void vault_recent_put(struct vault_recent *recent, enum vault_recent_kind kind, const char *name, uint64_t moment,
                      const void *record);

#endif
