#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tools/keyquay/commands.h"

/* Where the benchmarks lie, seen from this program: in a build tree, and installed. */
static const char *const places[] = {"../../tests/bench/run", "../share/keyquay/bench/run"};

int kq_cmd_bench(int argc, char **argv)
{
    char self[KQ_PATH_MAX], path[KQ_PATH_MAX];
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("usage: keyquay bench [--json] [--quick] [NAME...]\nMeasures this machine, one line per figure.\n");
        return 0;
    }
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    if (len < 0) {
        fprintf(stderr, "keyquay bench: /proc/self/exe: %s\n", strerror(errno));
        return 1;
    }
    self[len] = '\0';
    const char *folder = dirname(self);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (kq_path_join(folder, places[i], path) == KQ_OK && access(path, X_OK) == 0) {
            argv[0] = path;
            execv(path, argv);
        }
    }
    fprintf(stderr, "keyquay bench: the benchmarks are not installed here; in the source tree they are "
                    "tests/bench/run.\n");
    return 1;
}
