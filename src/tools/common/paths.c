#include "tools/common/paths.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void form(char out[KQ_PATH_MAX], const char *folder, const char *rest)
{
    int len = snprintf(out, KQ_PATH_MAX, "%s%s", folder, rest);
    if (len < 0 || len >= KQ_PATH_MAX)
        out[0] = '\0';
}

static const char *from_environment(const char *name)
{
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

/* HOME may be unset, as under a bare cron or setpriv; never fall back on the current folder. */
const char *kq_path_home(void)
{
    const char *home = from_environment("HOME");
    if (home != NULL)
        return home;
    const struct passwd *user = getpwuid(geteuid());
    return user == NULL || user->pw_dir[0] != '/' ? NULL : user->pw_dir;
}

void kq_path_kmdata(char out[KQ_PATH_MAX])
{
    const char *kmdata = from_environment("NFAST_KMDATA");
    const char *data_home = from_environment("XDG_DATA_HOME");
    const char *home = kq_path_home();
    out[0] = '\0';
    if (kmdata != NULL)
        form(out, kmdata, "");
    else if (geteuid() == 0)
        form(out, "/var/lib/keyquay/kmdata", "");
    else if (data_home != NULL)
        form(out, data_home, "/keyquay/kmdata");
    else if (home != NULL)
        form(out, home, "/.local/share/keyquay/kmdata");
}

void kq_path_kmlocal(char out[KQ_PATH_MAX])
{
    const char *kmlocal = from_environment("NFAST_KMLOCAL");
    char kmdata[KQ_PATH_MAX];
    kq_path_kmdata(kmdata);
    out[0] = '\0';
    if (kmlocal != NULL || kmdata[0] != '\0')
        form(out, kmlocal == NULL ? kmdata : kmlocal, kmlocal == NULL ? "/local" : "");
}

const char *kq_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}
