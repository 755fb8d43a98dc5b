#ifndef VAULT_AUTH_DEVICE_H
#define VAULT_AUTH_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/status.h"

/* Sign-ins that a device has begun and a person has yet to decide (RFC 8628).
 * They lie in memory, bounded; a restart forgets them, and the device begins
 * again. Of a device code only its SHA-256 is kept. Thread-safe. */
struct vault_device_table;

#define VAULT_DEVICE_LIFE_S 900u
#define VAULT_DEVICE_INTERVAL_S 5u
#define VAULT_DEVICES_MAX 1024u
#define VAULT_DEVICES_OF_ADDRESS_MAX 8u
#define VAULT_DEVICE_CODE_SIZE 44u /* 32 random bytes in base64url, with NUL */
#define VAULT_USER_CODE_SIZE 10u   /* "BCDF-GHJK" */
/* Wrong user codes and passphrases from one address in VAULT_DEVICE_BLAME_S seconds. */
#define VAULT_DEVICE_FAULTS_MAX 10u
#define VAULT_DEVICE_BLAME_S 900u
/* Wrong passphrases for one code; the code ends then. */
#define VAULT_DEVICE_TRIES_MAX 5u

/* What a device asks for. */
struct vault_device_wish {
    char client_id[37];
    char resource[256];
    char address[64]; /* of the device */
    bool wants_id_token;
    bool wants_refresh_token;
};

KQ_MUST_CHECK kq_status vault_device_table_new(struct vault_device_table **out);
void vault_device_table_free(struct vault_device_table *table);
KQ_AUTO_DEFINE(vault_device_table);

/* Errors: KQ_ERR_WAIT (this address has too many, or everybody together), KQ_ERR_IO. */
KQ_MUST_CHECK kq_status vault_device_begin(struct vault_device_table *table, const struct vault_device_wish *wish,
                                           uint64_t now, char out_device_code[VAULT_DEVICE_CODE_SIZE],
                                           char out_user_code[VAULT_USER_CODE_SIZE]);

/* What stands behind a user code as a person types it: case and hyphens do not matter.
 * Errors: KQ_ERR_NOT_FOUND (unknown, ended, decided already). */
KQ_MUST_CHECK kq_status vault_device_look(struct vault_device_table *table, const char *user_code, uint64_t now,
                                          struct vault_device_wish *out);
/* A wrong passphrase was given for it. */
void vault_device_count_try(struct vault_device_table *table, const char *user_code, uint64_t now);
/* object_id  of the person who approves; NULL: somebody denies
 * Errors     as vault_device_look() */
KQ_MUST_CHECK kq_status vault_device_decide(struct vault_device_table *table, const char *user_code,
                                            const char *object_id, uint64_t now);

/* Asks for the decision.
 * Returns  KQ_OK: approved; the code is used up, out and out_object_id are filled
 *          KQ_ERR_STATE: nobody has decided;  KQ_ERR_WAIT: asked too soon, the interval is longer now
 *          KQ_ERR_CANCELLED: denied, the code is used up
 *          KQ_ERR_EXPIRED;  KQ_ERR_NOT_FOUND: unknown, or another client's */
KQ_MUST_CHECK kq_status vault_device_poll(struct vault_device_table *table, const char *device_code,
                                          const char *client_id, uint64_t now, struct vault_device_wish *out,
                                          char out_object_id[37]);

/* May this address try a user code or a passphrase? Each fault of it is counted by vault_device_blame(). */
bool vault_device_may_try(struct vault_device_table *table, const char *address, uint64_t now);
void vault_device_blame(struct vault_device_table *table, const char *address, uint64_t now);

#endif
