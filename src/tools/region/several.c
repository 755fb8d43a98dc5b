#include "tools/region/several.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    pid_t pid;
    FILE *output;
    FILE *errors;
};

_Noreturn static void run_child(const struct child *child, struct kq_tool *tool, const struct kq_region_plan *plan,
                                const struct kq_region *region)
{
    if (dup2(fileno(child->output), STDOUT_FILENO) < 0 || dup2(fileno(child->errors), STDERR_FILENO) < 0)
        _exit(KQ_EXIT_FAILED);
    int code = kq_tool_finish(tool, kq_region_create(tool, plan, region));
    fflush(stdout);
    _exit(code);
}

static bool start_child(struct child *child, struct kq_tool *tool, const struct kq_region_plan *plan,
                        const struct kq_region *region)
{
    *child = (struct child){-1, tmpfile(), tmpfile()};
    if (child->output == NULL || child->errors == NULL)
        return false;
    fflush(stdout);
    child->pid = fork();
    if (child->pid == 0)
        run_child(child, tool, plan, region);
    return child->pid > 0;
}

static void copy_out(FILE *from, FILE *to)
{
    char bytes[4096];
    size_t len;
    if (from == NULL)
        return;
    rewind(from);
    while ((len = fread(bytes, 1, sizeof bytes, from)) > 0)
        (void)fwrite(bytes, 1, len, to);
    fclose(from);
    fflush(to);
}

static int end_child(struct child *child, const struct kq_region *region)
{
    int how = 0;
    while (child->pid > 0 && waitpid(child->pid, &how, 0) < 0 && errno == EINTR) {
    }
    copy_out(child->output, stdout);
    copy_out(child->errors, stderr);
    if (child->pid > 0 && WIFEXITED(how))
        return WEXITSTATUS(how);
    fprintf(stderr, "keyquay region: %s: the process that made it ended before it was done; run the command again\n",
            region->name);
    return KQ_EXIT_FAILED;
}

int kq_regions_create_beside(const char *program, int argc, char **argv, bool is_json,
                             const struct kq_region_plan *plan, const struct kq_region *const *regions,
                             size_t num_regions)
{
    struct child *children = calloc(num_regions, sizeof *children);
    int first_failure = KQ_EXIT_DONE;
    if (children == NULL)
        return KQ_EXIT_FAILED;
    for (size_t i = 0; i < num_regions; i++) {
        struct kq_tool tool;
        kq_tool_init(&tool, program, argc, argv);
        tool.is_json = is_json;
        tool.is_ceremony = true;
        (void)start_child(&children[i], &tool, plan, regions[i]);
    }
    for (size_t i = 0; i < num_regions; i++) {
        int code = end_child(&children[i], regions[i]);
        first_failure = first_failure == KQ_EXIT_DONE ? code : first_failure;
    }
    free(children);
    return first_failure;
}
