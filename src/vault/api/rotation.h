#ifndef VAULT_API_ROTATION_H
#define VAULT_API_ROTATION_H

#include "vault/keyops/keyops.h"
#include "vault/service.h"
#include "vault/store/store.h"

/* Rotation policies of keys (facts 1.12) and the act of rotating, for requests
 * and for the scheduler. */

/* An ISO 8601 duration of years, months, weeks and days. */
struct vault_duration {
    uint32_t months;
    uint32_t days;
};
/* "P90D", "P2Y", "P1Y6M", "P4W".  False for anything else, hours too, and for more than 100 years. */
bool vault_duration_parse(const char *text, struct vault_duration *out);
/* By the calendar (UTC); the day is cut to the month's last. */
uint64_t vault_duration_after(uint64_t unix_s, struct vault_duration duration);
/* 0 if it would be before 1970. */
uint64_t vault_duration_before(uint64_t unix_s, struct vault_duration duration);

/* What a stored policy (JSON; NULL: none) means for the newest version: sets
 * its exp where the policy has an expiryTime and the version none, and the
 * key's next_rotation. A policy that cannot be read changes nothing. */
void vault_rotation_apply(struct vault_key *key, struct vault_key_version *newest);
/* Only next_rotation. */
void vault_rotation_plan(struct vault_key *key, const struct vault_key_version *newest);

/* Makes a new version like the newest one (kind, size, key_ops, tags) and
 * stores it. vault is the key's.
 * key      in: the row; out: next_rotation
 * newest   in: its newest version; out: the new one
 * Errors   those of vault_keyops_generate() and the store; why says more */
KQ_MUST_CHECK kq_status vault_rotate(const struct vault_service *service, const struct vault_record *vault,
                                     struct vault_key *key, struct vault_key_version *newest, uint64_t now,
                                     char why[VAULT_WHY_SIZE]);
/* For the scheduler: rotates a key that is due (VAULT_DUE_KEY_ROTATION); one
 * that no longer is, or is deleted, is left alone and is KQ_OK. */
KQ_MUST_CHECK kq_status vault_rotate_due(const struct vault_service *service, uint64_t vault_id, uint64_t key_id,
                                         uint64_t now, char why[VAULT_WHY_SIZE]);

#endif
