#ifndef VAULT_AUTH_SECRET_H
#define VAULT_AUTH_SECRET_H

#include "base/cleanup.h"
#include "base/slice.h"
#include "base/status.h"

/* Client secrets are kept as scrypt hashes. Checking takes tens of
 * milliseconds of CPU on purpose; struct vault_secret_gate bounds how many
 * checks run at once. */
#define VAULT_SECRET_LOG2_N 15u

/* A new secret: 40 characters, 200 bits and more.  Errors: KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_secret_generate(char out[41]);
KQ_MUST_CHECK kq_status vault_secret_hash(struct kq_slice secret, const uint8_t salt[32], uint64_t log2_n,
                                          uint8_t out[32]);
/* KQ_ERR_AUTH if it is another secret; constant time in the hash. */
KQ_MUST_CHECK kq_status vault_secret_check(struct kq_slice secret, const uint8_t salt[32], uint64_t log2_n,
                                           const uint8_t hash[32]);

/* Where all secrets of clients are checked. At most VAULT_GATE_RUNNING checks
 * run at once, a few more wait; who comes on top of these, or waits too long,
 * is told to come again.
 *
 * A secret found right is remembered for VAULT_GATE_REMEMBERS_S seconds, so
 * that a program that asks for a token on each of its runs does not cost a
 * derivation each time. What is kept is a SHA-256 over a random key of this
 * process, the stored salt and hash, and the secret: it tells nothing about
 * the secret to who has not the process's memory, and a secret taken out of
 * the database is not asked for again and so no longer remembered. */
struct vault_secret_gate;

#define VAULT_GATE_RUNNING 2u
#define VAULT_GATE_WAITING 4u
#define VAULT_GATE_WAIT_MS 3000u
#define VAULT_GATE_REMEMBERS_S 300u
/* The secrets of one client that count: two, so that one can replace another. */
#define VAULT_GATE_SECRETS 2u

/* A stored secret, as vault_secret_hash() made it. */
struct vault_stored_secret {
    uint8_t salt[32];
    uint8_t hash[32];
    uint64_t log2_n;
};

KQ_MUST_CHECK kq_status vault_secret_gate_new(struct vault_secret_gate **out);
void vault_secret_gate_free(struct vault_secret_gate *gate);
KQ_AUTO_DEFINE(vault_secret_gate);

/* Is the secret one of those stored?
 * num_stored  0 (an unknown client) to VAULT_GATE_SECRETS
 * Errors      KQ_ERR_AUTH  no
 *             KQ_ERR_WAIT  too many are being checked; nothing was
 * Timing      a wrong secret costs VAULT_GATE_SECRETS derivations whatever num_stored is */
KQ_MUST_CHECK kq_status vault_secret_gate_check(struct vault_secret_gate *gate, struct kq_slice secret,
                                                const struct vault_stored_secret *stored, size_t num_stored,
                                                uint64_t now);

#endif
