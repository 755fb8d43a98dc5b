#include "tools/transfer/suggest.h"

#include <dirent.h>
#include <stdio.h>
#include <strings.h>

/* How much two names have in common, whatever their case. */
static size_t common_len(const char *a, const char *b)
{
    size_t len = 0;
    while (a[len] != '\0' && b[len] != '\0' && strncasecmp(a + len, b + len, 1) == 0)
        len++;
    return len;
}

/* Where the part begins that tells one region's package from another's. */
static size_t kind_len(const char *name)
{
    const char *marker = strcasestr(name, "pkg-");
    return marker == NULL ? strlen(name) : (size_t)(marker - name) + strlen("pkg-");
}

static void find_likest(DIR *entries, const char *name, char out[KQ_PATH_MAX])
{
    const struct dirent *entry;
    size_t longest = 0;
    while ((entry = readdir(entries)) != NULL) {
        size_t len = common_len(entry->d_name, name);
        bool is_longer = len > longest || (len == longest && strcmp(entry->d_name, out) < 0);
        if (len < kind_len(name) || !is_longer)
            continue;
        longest = len;
        snprintf(out, KQ_PATH_MAX, "%s", entry->d_name);
    }
}

void kq_suggest_file(const char *path, char out[KQ_PATH_MAX])
{
    char folder[KQ_PATH_MAX] = ".";
    char found[KQ_PATH_MAX] = "";
    const char *slash = strrchr(path, '/');
    size_t folder_len = slash == NULL ? 0 : (size_t)(slash - path);
    out[0] = '\0';
    if (folder_len >= sizeof folder)
        return;
    if (slash != NULL)
        snprintf(folder, sizeof folder, "%.*s", folder_len == 0 ? 1 : (int)folder_len, path);
    DIR *entries = opendir(folder);
    if (entries == NULL)
        return;
    find_likest(entries, slash == NULL ? path : slash + 1, found);
    closedir(entries);
    if (found[0] == '\0')
        return;
    if (slash == NULL)
        snprintf(out, KQ_PATH_MAX, "%s", found);
    else if (kq_path_join(folder, found, out) != KQ_OK)
        out[0] = '\0';
}
