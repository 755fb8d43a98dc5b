#ifndef VAULT_AUTH_ISSUERS_H
#define VAULT_AUTH_ISSUERS_H

#include <stdatomic.h>

#include "webclient/issuer.h"

/* The other issuers whose tokens are taken, replaced as a whole while tokens
 * are being checked: a check keeps the set it began with. Thread-safe. */
struct vault_issuers;

/* Nothing but counters changes in a set. */
struct vault_issuer_set {
    uint64_t generation; /* another one for each set */
    size_t num;
    struct kqw_issuer list[KQW_ISSUERS_MAX];                /* owned */
    atomic_uint_fast64_t num_unknown_keys[KQW_ISSUERS_MAX]; /* tokens naming a key that the issuer has not */
    atomic_uint num_loans;
};

KQ_MUST_CHECK kq_status vault_issuers_new(struct vault_issuers **out);
void vault_issuers_free(struct vault_issuers *issuers);
KQ_AUTO_DEFINE(vault_issuers);

/* As vault_authority_set_issuers(), vault_authority_take_unknown_keys(). */
KQ_MUST_CHECK kq_status vault_issuers_replace(struct vault_issuers *issuers, struct kqw_issuer *list, size_t num);
uint64_t vault_issuers_take_unknown_keys(struct vault_issuers *issuers, char *out_name, size_t size);

struct vault_issuer_loan {
    struct vault_issuer_set *set;
};
struct vault_issuer_loan vault_issuers_borrow(struct vault_issuers *issuers);
void vault_issuer_loan_clear(struct vault_issuer_loan *loan);
KQ_AUTO_DEFINE_VALUE(vault_issuer_loan);

/* The issuer of exactly this name; NULL if there is none. */
const struct kqw_issuer *vault_issuer_set_find(const struct vault_issuer_set *set, const char *url);
void vault_issuer_set_note_unknown_key(struct vault_issuer_set *set, const struct kqw_issuer *issuer);

#endif
