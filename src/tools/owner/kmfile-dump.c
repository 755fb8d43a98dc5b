/* kmfile-dump: prints what a key, world, card, package, receipt or .byok file says. */
#include <errno.h>

#include "base/size.h"
#include "tools/common/args.h"
#include "tools/owner/dump.h"

#define FILES_MAX 64
#define FILE_MAX_LEN (128u * 1024)

static kq_status dump_file(struct kq_tool *tool, const char *path)
{
    KQ_AUTO_VALUE(kq_buffer) bytes = {0};
    const char *field;
    kq_status status = kq_file_read(path, FILE_MAX_LEN, &bytes);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, NULL);
    if (bytes.len == 0)
        return kq_tool_fail(tool, KQ_ERR_FORMAT, NULL, "%s: the file is empty", path);
    printf("%s: ", path);
    status = kq_dump_print(kq_buffer_slice(&bytes), stdout, &field);
    if (status != KQ_OK) {
        printf("not dumped\n");
        return kq_tool_fail(tool, status, "It may be truncated, damaged, or of another program.", "%s: field %s: %s",
                            path, field, kq_status_text(status));
    }
    return KQ_OK;
}

int main(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "kmfile-dump", argc, argv);
    const struct kq_args table = {
        .synopsis = "FILE...",
        .about = "Prints every field of key, world, card, package, receipt and .byok files. Verifies nothing.",
        .max_words = FILES_MAX,
    };
    const char *files[FILES_MAX];
    size_t num_files;
    enum kq_args_result parsed = kq_args_parse(&tool, &table, argc, argv, files, &num_files);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_EXIT_DONE : kq_tool_finish(&tool, KQ_ERR_ARGUMENT);
    if (num_files == 0)
        return kq_tool_finish(&tool, kq_tool_usage(&tool, "a file is needed"));
    kq_status status = KQ_OK;
    for (size_t i = 0; i < num_files; i++) {
        kq_status one = dump_file(&tool, files[i]);
        status = status == KQ_OK ? one : status;
    }
    return kq_tool_finish(&tool, status);
}
