#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "tools/common/args.h"
#include "tools/common/connect.h"
#include "tools/factory/factory.h"
#include "tools/keyquay/commands.h"

static kq_status connect_to(struct kq_tool *tool, const char *folder)
{
    if (folder == NULL)
        return kq_tool_connect(tool);
    KQ_TRY(kq_tool_set_folder(tool, folder));
    return kq_tool_connect_folder(tool);
}

static kq_status run_request(struct kq_tool *tool, const char *folder, const char *out)
{
    KQ_AUTO_VALUE(kq_buffer) request = {0};
    if (out == NULL)
        return kq_tool_usage(tool, "name the file to write with --out FILE");
    KQ_TRY(connect_to(tool, folder));
    KQ_TRY(kq_enrol_request(tool, &request));
    if (kq_file_write(out, kq_buffer_slice(&request), 0644, KQ_FILE_REPLACE) != KQ_OK)
        return kq_tool_fail(tool, KQ_ERR_IO, NULL, "%s: could not be written (%s)", out, strerror(errno));
    printf("Enrolment request written to %s. Next: the manufacturer signs it (`keyquay-factory sign`).\n", out);
    return KQ_OK;
}

static kq_status run_install(struct kq_tool *tool, const char *folder, const char *path)
{
    KQ_AUTO_VALUE(kq_buffer) warrant = {0};
    kq_status status = kq_file_read(path, KQ_PEM_MAX, &warrant);
    if (status != KQ_OK)
        return kq_tool_fail_read(tool, status, path, "Name the file that `keyquay-factory sign --out FILE` wrote.");
    KQ_TRY(connect_to(tool, folder));
    KQ_TRY(kq_enrol_install(tool, path, kq_buffer_slice(&warrant)));
    printf("The module has its warrant.\n");
    return KQ_OK;
}

static kq_status run(struct kq_tool *tool, int argc, char **argv)
{
    const char *folder = NULL, *out = NULL, *words[2];
    const struct kq_arg options[] = {
        {"folder", 'f', &folder, NULL, "DIR", "the module's folder; else the owner's module"},
        {"out", 'o', &out, NULL, "FILE", "request: the file to write"},
    };
    const struct kq_args table = {
        .synopsis = "request --out FILE | install WARRANT",
        .about = "Has a module warranted by a manufacturer, by files.",
        .args = options,
        .num_args = KQ_COUNT_OF(options),
        .max_words = 2,
    };
    size_t num_words;
    enum kq_args_result parsed = kq_args_parse(tool, &table, argc, argv, words, &num_words);
    if (parsed != KQ_ARGS_GO_ON)
        return parsed == KQ_ARGS_DONE ? KQ_OK : KQ_ERR_ARGUMENT;
    tool->is_ceremony = true;
    if (num_words == 1 && strcmp(words[0], "request") == 0)
        return run_request(tool, folder, out);
    if (num_words == 2 && strcmp(words[0], "install") == 0)
        return run_install(tool, folder, words[1]);
    return kq_tool_usage(tool, "say request, or install WARRANT");
}

int kq_cmd_enrol(int argc, char **argv)
{
    struct kq_tool tool;
    kq_tool_init(&tool, "keyquay enrol", argc, argv);
    return kq_tool_finish(&tool, run(&tool, argc, argv));
}
