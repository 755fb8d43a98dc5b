#ifndef KQ_TOOLS_COMMON_KEYFILE_H
#define KQ_TOOLS_COMMON_KEYFILE_H

#include "client/key.h"
#include "tools/common/tool.h"

/* Key files of an owner: tool->local/key_<application>_<ident>. */

/* A key file and its bytes. */
struct kq_stored_key {
    char path[KQ_PATH_MAX];
    struct kq_buffer bytes;
    struct kq_key_file file; /* borrows from bytes */
};
void kq_stored_key_clear(struct kq_stored_key *key);
KQ_AUTO_DEFINE_VALUE(kq_stored_key);

/* Lowers capitals in place and checks: digits, lower-case letters, hyphens;
 * application and identifier together at most 80 characters.  Errors: said. */
KQ_MUST_CHECK kq_status kq_key_name_check(struct kq_tool *tool, char *application, char *ident);

KQ_MUST_CHECK kq_status kq_key_path(struct kq_tool *tool, const char *application, const char *ident,
                                    char out[KQ_PATH_MAX]);

/* Reads one.  Errors: said, naming file, field and remedy; a file whose
 * content names another key than its path is refused. */
KQ_MUST_CHECK kq_status kq_key_read(struct kq_tool *tool, const char *application, const char *ident,
                                    struct kq_stored_key *out);

/* Writes one.  Errors: said. */
KQ_MUST_CHECK kq_status kq_key_save(struct kq_tool *tool, const struct kq_key_file *file, enum kq_file_replace replace,
                                    char out_path[KQ_PATH_MAX]);

/* The encoded place of an owner's key, appended to out. */
KQ_MUST_CHECK kq_status kq_key_place(struct kq_slice hknso, struct kq_slice application, struct kq_slice ident,
                                     struct kq_buffer *out);

/* Loads the key into the session.  Errors: said. */
KQ_MUST_CHECK kq_status kq_key_load(struct kq_tool *tool, const struct kq_stored_key *stored, struct kqc_key **out);

/* Names of the keys in tool->local, sorted. NULL patterns match all; a
 * pattern is a shell pattern (fnmatch).  Errors: said. */
struct kq_key_names {
    struct kq_key_name {
        char application[KQ_IDENT_MAX + 1];
        char ident[KQ_IDENT_MAX + 1];
    } * names; /* owned */
    size_t num;
};
void kq_key_names_clear(struct kq_key_names *names);
KQ_AUTO_DEFINE_VALUE(kq_key_names);
KQ_MUST_CHECK kq_status kq_key_list(struct kq_tool *tool, const char *application, const char *ident_pattern,
                                    struct kq_key_names *out);

#endif
