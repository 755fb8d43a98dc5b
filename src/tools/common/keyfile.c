#include "tools/common/keyfile.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>

#include "base/size.h"
#include "base/text.h"

void kq_stored_key_clear(struct kq_stored_key *key)
{
    kq_buffer_clear(&key->bytes);
    key->file = (struct kq_key_file){0};
}

/* ---- names ------------------------------------------------------------------------- */

static bool lower_and_check(char *text)
{
    if (text[0] == '\0')
        return false;
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text - 'A' + 'a');
        if (!((*text >= 'a' && *text <= 'z') || (*text >= '0' && *text <= '9') || *text == '-'))
            return false;
    }
    return true;
}

kq_status kq_key_name_check(struct kq_tool *tool, char *application, char *ident)
{
    static const char rule[] = "digits, letters and hyphens only";
    if (!lower_and_check(application))
        return kq_tool_usage(tool, "application \"%.80s\": %s", application, rule);
    if (!lower_and_check(ident))
        return kq_tool_usage(tool, "ident \"%.80s\": %s", ident, rule);
    if (strlen(application) + strlen(ident) > KQ_IDENT_MAX)
        return kq_tool_usage(tool, "ident: application and ident together have at most %u characters", KQ_IDENT_MAX);
    return KQ_OK;
}

kq_status kq_key_path(struct kq_tool *tool, const char *application, const char *ident, char out[KQ_PATH_MAX])
{
    char name[2 * KQ_IDENT_MAX + 8];
    snprintf(name, sizeof name, "key_%.80s_%.80s", application, ident);
    if (kq_path_join(tool->local, name, out) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "%s: the path is too long", tool->local);
    return KQ_OK;
}

/* ---- one file ------------------------------------------------------------------------ */

kq_status kq_key_read(struct kq_tool *tool, const char *application, const char *ident, struct kq_stored_key *out)
{
    const char *field;
    KQ_TRY(kq_key_path(tool, application, ident, out->path));
    kq_status status = kq_file_read(out->path, KQ_KEY_FILE_MAX, &out->bytes);
    if (status == KQ_ERR_NOT_FOUND)
        return kq_tool_fail(tool, status, "\"nfkminfo -l\" lists the keys there are.", "no key %s %s: %s is not there",
                            application, ident, out->path);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, out->path, "Restore the file from a backup.");
    status = kq_key_file_get(kq_buffer_slice(&out->bytes), &out->file, &field);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "Restore the file from a backup.", "%s: not a key file: field %s: %s",
                            out->path, field, kq_status_text(status));
    if (!kq_slice_is_text(out->file.application, application) || !kq_slice_is_text(out->file.ident, ident))
        return kq_tool_fail(tool, KQ_ERR_MISMATCH, "Rename the file back; keys are sealed to their names.",
                            "%s: the file holds key %.*s %.*s", out->path, (int)out->file.application.len,
                            (const char *)out->file.application.data, (int)out->file.ident.len,
                            (const char *)out->file.ident.data);
    return KQ_OK;
}

kq_status kq_key_save(struct kq_tool *tool, const struct kq_key_file *file, enum kq_file_replace replace,
                      char out_path[KQ_PATH_MAX])
{
    char application[KQ_IDENT_MAX + 1], ident[KQ_IDENT_MAX + 1];
    if (!kq_text_copy(file->application, application, sizeof application) ||
        !kq_text_copy(file->ident, ident, sizeof ident))
        return kq_tool_fail(tool, KQ_ERR_TOO_LARGE, NULL, "the key's name is too long");
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, KQ_KEY_FILE_MAX);
    kq_key_file_put(file, &writer);
    struct kq_slice bytes;
    KQ_TRY(kq_key_path(tool, application, ident, out_path));
    kq_status status = kq_writer_finish(&writer, &bytes);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s: %s", out_path, kq_status_text(status));
    status = kq_folder_make(tool->local);
    if (status == KQ_OK)
        status = kq_file_write(out_path, bytes, 0600, replace);
    if (status == KQ_ERR_EXISTS)
        return kq_tool_fail(tool, status, "Choose another ident.", "%s: the key exists already", out_path);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, "No key file was written; the key is discarded.", "%s: not written: %s",
                            out_path, strerror(errno));
    return KQ_OK;
}

kq_status kq_key_place(struct kq_slice hknso, struct kq_slice application, struct kq_slice ident, struct kq_buffer *out)
{
    const struct kq_place place = {.kind = KQ_PLACE_OWNER, .hknso = hknso, .application = application, .ident = ident};
    KQ_AUTO_VALUE(kq_writer) writer;
    kq_writer_init(&writer, KQ_PLACE_MAX);
    kq_place_put(&place, &writer);
    struct kq_slice bytes;
    KQ_TRY(kq_writer_finish(&writer, &bytes));
    return kq_buffer_append(out, bytes.data, bytes.len);
}

kq_status kq_key_load(struct kq_tool *tool, const struct kq_stored_key *stored, struct kqc_key **out)
{
    KQ_AUTO_VALUE(kq_buffer) place = {.max = KQ_PLACE_MAX};
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    KQ_TRY(kq_key_place(stored->file.hknso, stored->file.application, stored->file.ident, &place));
    kq_status status = kqc_key_open(tool->session, stored->file.blob, kq_buffer_slice(&place), out, &reply);
    return status == KQ_OK ? KQ_OK : kq_tool_fail_reply(tool, status, &reply, stored->path);
}

/* ---- all of them ------------------------------------------------------------------------ */

void kq_key_names_clear(struct kq_key_names *names)
{
    free(names->names);
    *names = (struct kq_key_names){.num = 0};
}

static bool split_name(const char *file, struct kq_key_name *out)
{
    if (strncmp(file, "key_", 4) != 0)
        return false;
    const char *application = file + 4;
    const char *underscore = strchr(application, '_');
    if (underscore == NULL || strchr(underscore + 1, '.') != NULL)
        return false;
    return kq_text_copy(kq_slice_of(application, (size_t)(underscore - application)), out->application,
                        sizeof out->application) &&
           kq_text_copy(kq_slice_text(underscore + 1), out->ident, sizeof out->ident);
}

static int compare_names(const void *left, const void *right)
{
    const struct kq_key_name *a = left, *b = right;
    int order = strcmp(a->application, b->application);
    return order != 0 ? order : strcmp(a->ident, b->ident);
}

static kq_status add_name(struct kq_key_names *list, const struct kq_key_name *name)
{
    size_t size;
    if (!kq_size_mul(list->num + 1, sizeof *name, &size))
        return KQ_ERR_TOO_LARGE;
    struct kq_key_name *names = realloc(list->names, size);
    if (names == NULL)
        return KQ_ERR_MEMORY;
    list->names = names;
    list->names[list->num++] = *name;
    return KQ_OK;
}

static kq_status list_folder(DIR *folder, const char *application, const char *ident_pattern, struct kq_key_names *out)
{
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        struct kq_key_name name;
        if (!split_name(entry->d_name, &name))
            continue;
        if (application != NULL && fnmatch(application, name.application, 0) != 0)
            continue;
        if (ident_pattern != NULL && fnmatch(ident_pattern, name.ident, 0) != 0)
            continue;
        KQ_TRY(add_name(out, &name));
    }
    return KQ_OK;
}

kq_status kq_key_list(struct kq_tool *tool, const char *application, const char *ident_pattern,
                      struct kq_key_names *out)
{
    *out = (struct kq_key_names){.num = 0};
    DIR *folder = opendir(tool->local);
    if (folder == NULL && errno == ENOENT)
        return KQ_OK;
    if (folder == NULL)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "%s: %s", tool->local, strerror(errno));
    kq_status status = list_folder(folder, application, ident_pattern, out);
    closedir(folder);
    if (status != KQ_OK)
        return kq_tool_fail(tool, status, NULL, "%s: %s", tool->local, kq_status_text(status));
    if (out->num > 1)
        qsort(out->names, out->num, sizeof out->names[0], compare_names);
    return KQ_OK;
}
