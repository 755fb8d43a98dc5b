#include "tools/service/access.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/common/connect.h"
#include "tools/common/quorum.h"

#define MODULE_USER "keyquay-hsm"
#define HARDSERVER_USER "keyquay-hardserver"
#define VAULT_USER "keyquay-vault"

static kq_status check_user(struct kq_tool *tool, const char *name)
{
    if (getpwnam(name) == NULL)
        return kq_tool_fail(tool, KQ_ERR_NOT_FOUND, "Make it with `useradd --system`, or leave the option out.",
                            "there is no user '%.60s'", name);
    return KQ_OK;
}

kq_status kq_service_users(struct kq_service *service, const char *module_user, const char *hardserver_user,
                           const char *vault_user)
{
    const bool is_asked = module_user != NULL || hardserver_user != NULL || vault_user != NULL;
    const bool are_installed =
        getpwnam(MODULE_USER) != NULL && getpwnam(HARDSERVER_USER) != NULL && getpwnam(VAULT_USER) != NULL;
    if (is_asked && geteuid() != 0)
        return kq_tool_fail(service->tool, KQ_ERR_DENIED, "Run it as root, or leave the users out.",
                            "only root can start programs as other users");
    if (geteuid() != 0 || (!is_asked && !are_installed))
        return KQ_OK;
    service->module_user = module_user != NULL ? module_user : MODULE_USER;
    service->hardserver_user = hardserver_user != NULL ? hardserver_user : HARDSERVER_USER;
    service->vault_user = vault_user != NULL ? vault_user : VAULT_USER;
    KQ_TRY(check_user(service->tool, service->module_user));
    KQ_TRY(check_user(service->tool, service->hardserver_user));
    return check_user(service->tool, service->vault_user);
}

/* ---- files ---- */

static kq_status open_to_all(struct kq_service *service, const char *folder, const char *name, mode_t mode)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(kq_path_join(folder, name, path));
    if (chmod(path, mode) == 0 || errno == ENOENT)
        return KQ_OK;
    return kq_tool_fail(service->tool, KQ_ERR_IO, NULL, "%s: %s", path, strerror(errno));
}

kq_status kq_service_open_road(struct kq_service *service)
{
    char regions[KQ_PATH_MAX];
    if (service->vault_user == NULL)
        return KQ_OK;
    KQ_TRY(kq_path_join(service->data, "regions", regions));
    if (kq_folder_make(regions) != KQ_OK)
        return kq_tool_fail(service->tool, KQ_ERR_IO, NULL, "%s: %s", regions, strerror(errno));
    KQ_TRY(open_to_all(service, service->data, ".", 0755));
    return open_to_all(service, service->data, "regions", 0755);
}

/* Exchange keys are sealed under the region's world, packages are public. */
static kq_status open_exchange(struct kq_service *service, const char *folder)
{
    char path[KQ_PATH_MAX];
    KQ_TRY(open_to_all(service, folder, ".", 0711));
    KQ_TRY(open_to_all(service, folder, "exchange", 0755));
    KQ_TRY(open_to_all(service, folder, "packages", 0755));
    KQ_TRY(kq_path_join(folder, "exchange", path));
    DIR *entries = opendir(path);
    kq_status status = KQ_OK;
    for (struct dirent *entry = entries != NULL ? readdir(entries) : NULL; entry != NULL && status == KQ_OK;
         entry = readdir(entries)) {
        if (entry->d_name[0] != '.')
            status = open_to_all(service, path, entry->d_name, 0644);
    }
    if (entries != NULL)
        closedir(entries);
    return status;
}

/* ---- the modules' tables ---- */

static kq_status allow(struct kq_tool *tool, const char *folder, uint64_t uid)
{
    KQ_AUTO_VALUE(kqc_reply) reply = {0};
    const struct kq_peer_set_request request = {.uid = uid, .roles = KQ_ROLE_USE | KQ_ROLE_VAULT};
    KQ_TRY(kq_tool_set_folder(tool, folder));
    KQ_TRY(kq_tool_connect_folder(tool));
    return kq_tool_call(tool, KQ_OP_PEER_SET, &request, "letting keyvaultd's user in", NULL, &reply);
}

static kq_status grant_one(struct kq_service *service, const char *folder, uint64_t uid)
{
    struct kq_tool tool;
    kq_tool_init(&tool, service->tool->program, service->tool->argc, service->tool->argv);
    kq_status status = allow(&tool, folder, uid);
    service->tool->has_spoken = service->tool->has_spoken || tool.has_spoken;
    (void)kq_tool_finish(&tool, status);
    return status;
}

kq_status kq_service_grant(struct kq_service *service)
{
    char folders[KQ_SERVICE_FOLDERS_MAX][KQ_PATH_MAX];
    if (service->vault_user == NULL)
        return KQ_OK;
    const struct passwd *user = getpwnam(service->vault_user);
    if (user == NULL)
        return check_user(service->tool, service->vault_user);
    const uint64_t uid = user->pw_uid;
    size_t num = kq_service_folders(service, folders, KQ_SERVICE_FOLDERS_MAX);
    for (size_t i = 0; i < num; i++) {
        KQ_TRY(open_exchange(service, folders[i]));
        KQ_TRY(grant_one(service, folders[i], uid));
    }
    return KQ_OK;
}

/* ---- keyvaultd's own folder ---- */

static kq_status give(struct kq_service *service, int folder_fd, const struct passwd *user)
{
    int fd = dup(folder_fd);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    bool is_given = entries != NULL;
    for (struct dirent *entry = is_given ? readdir(entries) : NULL; entry != NULL; entry = readdir(entries)) {
        struct stat facts;
        /* Only plain files with one name: what the user himself links here stays whose it is. */
        if (fstatat(folder_fd, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(facts.st_mode) ||
            facts.st_nlink != 1)
            continue;
        is_given = is_given && fchownat(folder_fd, entry->d_name, user->pw_uid, user->pw_gid, AT_SYMLINK_NOFOLLOW) == 0;
    }
    if (entries != NULL)
        closedir(entries);
    is_given = is_given && fchown(folder_fd, user->pw_uid, user->pw_gid) == 0; /* last: it says that all is given */
    return is_given ? KQ_OK
                    : kq_tool_fail(service->tool, KQ_ERR_IO, NULL, "%s/vault: cannot be given to %s: %s", service->data,
                                   service->vault_user, strerror(errno));
}

kq_status kq_service_hand_over(struct kq_service *service)
{
    char path[KQ_PATH_MAX];
    if (service->vault_user == NULL)
        return KQ_OK;
    const struct passwd *user = getpwnam(service->vault_user);
    KQ_TRY(kq_path_join(service->data, "vault", path));
    KQ_AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (user == NULL || fd < 0)
        return kq_tool_fail(service->tool, KQ_ERR_IO, NULL, "%s: %s", path, strerror(errno));
    KQ_TRY(open_to_all(service, service->data, "ca.pem", 0644));
    KQ_TRY(open_to_all(service, service->data, "keyvaultd.conf", 0644));
    return give(service, fd, user);
}

bool kq_service_is_handed_over(const struct kq_service *service)
{
    char path[KQ_PATH_MAX];
    struct stat facts;
    const struct passwd *user = service->vault_user == NULL ? NULL : getpwnam(service->vault_user);
    return user != NULL && user->pw_uid != 0 && kq_path_join(service->data, "vault", path) == KQ_OK &&
           lstat(path, &facts) == 0 && facts.st_uid == user->pw_uid;
}

kq_status kq_service_become(const struct kq_service *service)
{
    if (service->vault_user == NULL)
        return KQ_OK;
    const struct passwd *user = getpwnam(service->vault_user);
    if (user == NULL || initgroups(service->vault_user, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(user->pw_uid) != 0)
        return KQ_ERR_IO;
    return KQ_OK;
}
