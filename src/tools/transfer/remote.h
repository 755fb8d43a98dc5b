#ifndef KQ_TOOLS_TRANSFER_REMOTE_H
#define KQ_TOOLS_TRANSFER_REMOTE_H

#include "tools/transfer/pair.h"

/* What KeyTransferRemote was told. */
struct kq_remote {
    const char *application; /* -KeyAppName */
    const char *ident;       /* -KeyIdentifier */
    const char *kek_path;    /* -ExchangeKeyPackage */
    const char *world_path;  /* -NewSecurityWorldPackage */
    const char *subscription;
    const char *friendly_name;
    uint64_t valid_days;  /* 0: 90 for the copy, as long as the copy for the package */
    uint64_t valid_until; /* -ValidUntil, unix seconds; 0: not said */
    bool replace;         /* -Force */
};

#define KQ_COPY_APPLICATION "xferacld"
#define KQ_COPY_DAYS 90u

/* -ModifyAcls: the reduced copy.  Errors: said. */
KQ_MUST_CHECK kq_status kq_remote_modify_acls(struct kq_tool *tool, const struct kq_remote *remote);

/* -Package: the transfer package and its receipt, in the current folder.  Errors: said. */
KQ_MUST_CHECK kq_status kq_remote_package(struct kq_tool *tool, const struct kq_remote *remote);

#endif
