#ifndef KQ_TOOLS_FACTORY_FACTORY_H
#define KQ_TOOLS_FACTORY_FACTORY_H

#include "tools/common/tool.h"

/* The manufacturer: a module of kind factory with its own card set, which
 * holds the root key and signs warrants. Belongs to somebody who is neither
 * owner nor operator. The tool given is connected to the factory's folder. */
struct kq_factory_plan {
    const char *name;  /* subject of the root */
    const char *suite; /* of its world */
    uint64_t quorum;
    uint64_t num_cards;
    bool is_rehearsal; /* the root says of itself that it proves nothing */
    uint64_t valid_days;
};

/* Makes the factory's world and root, or what is missing of them after an
 * attempt that was interrupted. The root is kept as FOLDER/root.pem.
 * Errors (said): KQ_ERR_EXISTS when there is nothing left to do. */
KQ_MUST_CHECK kq_status kq_factory_init(struct kq_tool *tool, const struct kq_factory_plan *plan);

/* The root certificate, as PEM.  Errors: said. */
KQ_MUST_CHECK kq_status kq_factory_root(struct kq_tool *tool, struct kq_buffer *out_pem);

/* Signs a warrant for an enrolment request (PEM or DER) under the factory's
 * quorum. out_pem: the warrant, then the root.
 * request_name  for messages: the request's file
 * Errors        said */
KQ_MUST_CHECK kq_status kq_factory_sign(struct kq_tool *tool, const char *request_name, struct kq_slice request,
                                        uint64_t valid_days, struct kq_buffer *out_pem);

/* Cuts what kq_factory_sign() wrote into the two DER certificates.
 * Errors: KQ_ERR_FORMAT. */
KQ_MUST_CHECK kq_status kq_warrant_split(struct kq_slice pem, struct kq_buffer *out_warrant,
                                         struct kq_buffer *out_root);

/* What a module asks a manufacturer for, as PEM.  Errors: said. */
KQ_MUST_CHECK kq_status kq_enrol_request(struct kq_tool *tool, struct kq_buffer *out_pem);
/* Gives a module its warrant.  Errors: said. */
KQ_MUST_CHECK kq_status kq_enrol_install(struct kq_tool *tool, const char *warrant_name, struct kq_slice pem);

#define KQ_PEM_MAX (16u * 1024)

#endif
