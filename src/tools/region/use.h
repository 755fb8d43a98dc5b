#ifndef KQ_TOOLS_REGION_USE_H
#define KQ_TOOLS_REGION_USE_H

#include "tools/common/tool.h"
#include "tools/region/store.h"

/* Using an imported key where it lives, through the same client library as
 * everybody else. */
struct kq_region_use {
    const char *data;
    const struct kq_region *region; /* NULL: the region of DIR that holds the key */
    struct kq_vault_key_name name;
    const char *version; /* NULL: the newest */
    const char *act;     /* sign, decrypt, public */
    const char *mechanism;
    const char *format; /* of an ECDSA signature: raw, der; NULL: raw */
    const char *in;
    const char *out;
};

/* Errors: said. */
KQ_MUST_CHECK kq_status kq_region_use(struct kq_tool *tool, const struct kq_region_use *use);

#endif
