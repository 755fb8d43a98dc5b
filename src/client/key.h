#ifndef KQ_CLIENT_KEY_H
#define KQ_CLIENT_KEY_H

#include "client/session.h"

/* A key blob and the place it was found, loaded on first use and again after
 * the module restarted. The session must outlive it. */
struct kqc_key;

KQ_MUST_CHECK kq_status kqc_key_open(struct kqc_session *session, struct kq_slice blob, struct kq_slice place,
                                     struct kqc_key **out, struct kqc_reply *reply);
void kqc_key_free(struct kqc_key *key); /* unloads the handle if the session is alive */
KQ_AUTO_DEFINE(kqc_key);

enum kq_key_type kqc_key_type(const struct kqc_key *key);
uint64_t kqc_key_bits(const struct kqc_key *key);
struct kq_slice kqc_key_public(const struct kqc_key *key);
uint64_t kqc_key_handle(const struct kqc_key *key);

/* Results are appended to out. Errors: those of the module; reply->detail explains. */
KQ_MUST_CHECK kq_status kqc_key_sign(struct kqc_key *key, uint64_t mechanism, struct kq_slice digest,
                                     struct kq_buffer *out, struct kqc_reply *reply);
KQ_MUST_CHECK kq_status kqc_key_crypt(struct kqc_key *key, enum kq_op op, uint64_t mechanism, struct kq_slice data,
                                      struct kq_slice aad, struct kq_buffer *out, struct kqc_reply *reply);

#endif
