#ifndef KQ_TOOLS_CLOUD_RECEIPT_H
#define KQ_TOOLS_CLOUD_RECEIPT_H

#include "tools/common/tool.h"

/* The import receipt that comes back with a key. */
struct kq_received_receipt {
    struct kq_slice package; /* what was sent */
    const char *package_path;
    const char *name;
    const char *version;
};

/* Verifies a receipt: its signature, that it is about the package, and that it
 * answers the export receipt if one lies beside the package. Keeps it beside
 * the package as ImportReceipt-<name>-<version>.receipt unless that is there,
 * and prints a summary, or hands out an object with --json.  Errors: said. */
KQ_MUST_CHECK kq_status kq_receipt_receive(struct kq_tool *tool, const struct kq_received_receipt *received,
                                           struct kq_slice receipt, json_t **out_object);

#endif
