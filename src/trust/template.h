#ifndef KQ_TRUST_TEMPLATE_H
#define KQ_TRUST_TEMPLATE_H

/* Destination ACL templates: the number travels in a transfer package and says
 * what the key becomes at its destination. They never change their meaning. */
enum kq_payload_template {
    KQ_TEMPLATE_IMPORTED = 1, /* kq_acl_imported_key() */
};

#endif
