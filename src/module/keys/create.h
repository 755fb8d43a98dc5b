#ifndef HSM_KEYS_CREATE_H
#define HSM_KEYS_CREATE_H

#include "module/service/call.h"

/* A key of an owner's world on its way into its first blob. */
struct hsm_new_key {
    const struct hsm_key *key;
    enum kq_origin origin;
    struct kq_slice application;
    struct kq_slice ident;
    uint64_t options; /* kq_key_option */
    uint64_t use_limit;
    uint64_t time_limit_s;
};

/* Checks application and identifier: digits, lower-case letters and hyphens,
 * together at most KQ_IDENT_MAX, not a name reserved for copies.
 * Errors: KQ_ERR_ARGUMENT with the reason in call->detail. */
KQ_MUST_CHECK kq_status hsm_check_key_name(struct hsm_call *call, struct kq_slice application, struct kq_slice ident);

/* Checks that keys of this type and size are offered, and by the world's suite.
 * Errors: KQ_ERR_ARGUMENT, KQ_ERR_UNSUPPORTED with the reason in call->detail. */
KQ_MUST_CHECK kq_status hsm_check_key_type(struct hsm_call *call, uint64_t type, uint64_t bits);

/* Checks the public exponent of a key to be made: 0, or for RSA an odd number
 * of at least 65537.  Errors: KQ_ERR_ARGUMENT with the reason in call->detail. */
KQ_MUST_CHECK kq_status hsm_check_exponent(struct hsm_call *call, uint64_t type, uint64_t exponent);

/* Gives the key its ACL and place, seals it, certifies it and writes a
 * kq_key_reply; starts its use counter. */
KQ_MUST_CHECK kq_status hsm_finish_new_key(struct hsm_call *call, const struct hsm_new_key *made,
                                           struct kq_writer *results);

/* A key with what is sealed and certified together with it. */
struct hsm_sealed_key {
    const struct hsm_key *key;
    enum kq_origin origin;
    struct kq_slice acl;
    struct kq_slice place;
    struct kq_slice recovery_blob; /* may be empty */
};
/* Seals a working blob and signs the key-generation certificate (both buffers
 * are initialised here); tells the audit which key it was. */
KQ_MUST_CHECK kq_status hsm_seal_key(struct hsm_call *call, const struct hsm_sealed_key *sealed, struct kq_buffer *blob,
                                     struct kq_buffer *certificate);
/* The same, written as a kq_key_reply. */
KQ_MUST_CHECK kq_status hsm_reply_sealed_key(struct hsm_call *call, const struct hsm_sealed_key *sealed,
                                             struct kq_writer *results);

/* Tells the audit which key a call concerns. */
KQ_MUST_CHECK kq_status hsm_note_key(struct hsm_call *call, const struct hsm_key *key, struct kq_slice place);

hsm_handler hsm_key_generate_handler, hsm_key_import_handler, hsm_key_recover_handler;
hsm_handler hsm_key_load_handler, hsm_key_unload_handler, hsm_key_acl_handler, hsm_handle_list_handler;
hsm_handler hsm_vault_key_generate_handler, hsm_vault_key_import_handler, hsm_vault_key_restore_handler;
hsm_handler hsm_sign_handler, hsm_encrypt_handler, hsm_decrypt_handler;

/* A key this session has loaded; release with hsm_loaded_free().
 * Errors: KQ_ERR_NOT_FOUND; KQ_ERR_STATE (another world is loaded now than the key's) */
KQ_MUST_CHECK kq_status hsm_find_loaded(struct hsm_call *call, uint64_t handle, struct hsm_loaded **out);

#endif
