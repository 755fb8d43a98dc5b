#include "harness/command.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

#define OUTPUT_MAX (1024u * 1024)

/* In the child: never returns. */
static void become(const char *folder, const char *const argv[], int output)
{
    int none = open("/dev/null", O_RDONLY);
    bool ready = none >= 0 && dup2(none, 0) == 0 && dup2(output, 1) == 1 && dup2(output, 2) == 2;
    if (ready && (folder == NULL || chdir(folder) == 0))
        execvp(argv[0], (char *const *)(uintptr_t)argv); /* execvp() changes neither the array nor the words */
    _exit(127);
}

static void collect(int fd, struct kq_buffer *out)
{
    uint8_t chunk[4096];
    ssize_t got;
    while ((got = read(fd, chunk, sizeof chunk)) > 0)
        if (out != NULL)
            assert_int_equal(kq_buffer_append(out, chunk, (size_t)got), KQ_OK);
}

int command_run_in(const char *folder, const char *const argv[], struct kq_buffer *out)
{
    int ends[2];
    int status = 0;
    if (out != NULL)
        kq_buffer_init(out, OUTPUT_MAX);
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ends[0]);
        become(folder, argv, ends[1]);
    }
    close(ends[1]);
    collect(ends[0], out);
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int command_run(const char *const argv[], struct kq_buffer *out)
{
    return command_run_in(NULL, argv, out);
}

void command_folder_make(char out[COMMAND_PATH_SIZE])
{
    const char *place = getenv("TMPDIR");
    snprintf(out, COMMAND_PATH_SIZE, "%s/keyquay-test-XXXXXX", place == NULL ? "/tmp" : place);
    assert_non_null(mkdtemp(out));
}

void command_folder_remove(const char *folder)
{
    DIR *entries = opendir(folder);
    const struct dirent *entry;
    char path[2 * COMMAND_PATH_SIZE];
    while (entries != NULL && (entry = readdir(entries)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (unlink(path) != 0)
            command_folder_remove(path);
    }
    if (entries != NULL)
        closedir(entries);
    rmdir(folder);
}

void command_write(const char *folder, const char *name, struct kq_slice bytes)
{
    char path[KQ_PATH_MAX];
    assert_int_equal(kq_path_join(folder, name, path), KQ_OK);
    assert_int_equal(kq_file_write(path, bytes, 0600, KQ_FILE_REPLACE), KQ_OK);
}

void command_read(const char *folder, const char *name, struct kq_buffer *out)
{
    char path[KQ_PATH_MAX];
    assert_int_equal(kq_path_join(folder, name, path), KQ_OK);
    assert_int_equal(kq_file_read(path, OUTPUT_MAX, out), KQ_OK);
}
