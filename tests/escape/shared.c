// What two processes reach each other by when they share a namespace, both sides of it.
#include "attack.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <mqueue.h>
#include <net/if.h>
#include <stddef.h>
#include <sys/shm.h>
#include <sys/un.h>

static socklen_t abstract_address(struct sockaddr_un *address, const char *word) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    strcpy(address->sun_path + 1, word);
    return offsetof(struct sockaddr_un, sun_path) + 1 + strlen(word);
}

ATTACK(abstract_socket, SHARED, "a socket of the host's without a path does not answer") {
    struct sockaddr_un address;
    if (!fact("word")) return absent("no host's side");
    socklen_t length = abstract_address(&address, fact("word"));
    return worked("connect", connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&address, length));
}

ATTACK(loopback, SHARED, "a server on the host's loopback interface does not answer") {
    if (!fact("port")) return absent("no host's side");
    struct sockaddr_in address = {AF_INET, htons(atoi(fact("port"))), {htonl(INADDR_LOOPBACK)}, {0}};
    return worked("connect", connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
}

ATTACK(route_out, SHARED, "there is no route to other machines (nor to a cloud's metadata)") {
    struct sockaddr_in address = {AF_INET, htons(80), {inet_addr("169.254.169.254")}, {0}};
    int fd = socket(AF_INET, SOCK_DGRAM, 0); // which sends nothing
    return worked("connect", connect(fd, (struct sockaddr *)&address, sizeof address));
}

ATTACK(link_list, SHARED, "the host's network interfaces are not listed") {
    struct if_nameindex *list = if_nameindex();
    for (struct if_nameindex *link = list; link && link->if_index; link++)
        if (strcmp(link->if_name, "lo")) return out("%s", link->if_name);
    return held("only lo");
}

ATTACK(link_change, 0, "the host's network cannot be changed") {
    struct { struct nlmsghdr head; struct ifinfomsg link; } request = {
        {sizeof request, RTM_NEWLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0}, {.ifi_family = AF_UNSPEC, .ifi_index = 1},
    }; // of lo, nothing
    struct { struct nlmsghdr head; struct nlmsgerr error; char rest[512]; } answer;
    if (!in_the_hosts("net")) return held("a network namespace of its own");
    int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    if (send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0) return held("netlink: %s", strerrorname_np(errno));
    errno = -answer.error.error;
    return worked("RTM_NEWLINK", errno ? -1 : 0);
}

ATTACK(packet_socket, SHARED, "the host's network cannot be listened in on") {
    if (!in_the_hosts("net")) return held("a network namespace of its own");
    return worked("socket", socket(AF_PACKET, SOCK_RAW, 0));
}

ATTACK(low_port, SHARED, "no port below 1024 of the host's can be had") {
    if (!in_the_hosts("net")) return held("a network namespace of its own");
    struct sockaddr_in address = {AF_INET, htons(1), {htonl(INADDR_LOOPBACK)}, {0}};
    return worked("bind", bind(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, sizeof address));
}

ATTACK(audit, 0, "the kernel's audit cannot be asked or told") {
    struct { struct nlmsghdr head; char text[8]; } request = {{sizeof request, 1000 /* AUDIT_GET */, NLM_F_REQUEST | NLM_F_ACK, 1, 0}, ""};
    struct { struct nlmsghdr head; struct nlmsgerr error; char rest[512]; } answer;
    int fd = socket(AF_NETLINK, SOCK_RAW, 9 /* NETLINK_AUDIT */);
    if (fd < 0) return errno == EPROTONOSUPPORT ? absent("no audit") : held("socket: %s", strerrorname_np(errno));
    if (send(fd, &request, sizeof request, 0) < 0 || recv(fd, &answer, sizeof answer, 0) < 0) return held("netlink: %s", strerrorname_np(errno));
    errno = -answer.error.error;
    return answer.head.nlmsg_type == NLMSG_ERROR ? worked("AUDIT_GET", errno ? -1 : 0) : out("AUDIT_GET");
}

ATTACK(vsock, SHARED, "the hypervisor cannot be talked to: AF_VSOCK knows no namespaces") {
    int fd = socket(40 /* AF_VSOCK */, SOCK_STREAM, 0);
    return fd < 0 && errno == EAFNOSUPPORT ? absent("EAFNOSUPPORT") : worked("socket", fd);
}

ATTACK(sysv_shm, SHARED, "the host's System V shared memory is not there") {
    if (!fact("shm_key")) return absent("no host's side");
    return worked("shmget", shmget(atoi(fact("shm_key")), 0, 0));
}

ATTACK(posix_mq, SHARED, "the host's POSIX message queues are not there") {
    char name[100];
    if (!fact("mq")) return absent("no host's side");
    snprintf(name, sizeof name, "/%s", fact("mq"));
    return worked("mq_open", mq_open(name, O_RDONLY));
}

// Makes one of each, says where, and takes all away when its input ends. Its memory outlives whoever kills it,
// so a child does the waiting that a test cannot kill by mistake.
int be_the_hosts_side(const char *word, const char *dir) {
    static const char *const kinds[] = {"mnt", "user", "pid", "net", "ipc", "uts", "cgroup", "time"};
    char name[100], own[64], line[4096];
    struct sockaddr_un unix_address, path_address = {.sun_family = AF_UNIX};
    struct sockaddr_in address = {AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {0}};
    socklen_t length = abstract_address(&unix_address, word);
    int by_name = socket(AF_UNIX, SOCK_STREAM, 0), by_port = socket(AF_INET, SOCK_STREAM, 0), by_path = socket(AF_UNIX, SOCK_STREAM, 0);
    if (chdir(dir) || bind(by_name, (struct sockaddr *)&unix_address, length) || listen(by_name, 100)) return 1;
    length = sizeof address;
    if (bind(by_port, (struct sockaddr *)&address, sizeof address) || listen(by_port, 100)) return 2;
    getsockname(by_port, (struct sockaddr *)&address, &length);
    strcpy(path_address.sun_path, "socket");
    if (bind(by_path, (struct sockaddr *)&path_address, sizeof path_address) || chmod("socket", 0666) || listen(by_path, 100)) return 3;
    int witness = open("witness", O_CREAT | O_WRONLY, 0644);
    if (write(witness, word, strlen(word)) < 0) return 4;
    int shm = shmget(getpid() << 8 | 0x5a, 4096, IPC_CREAT | IPC_EXCL | 0666);
    snprintf(name, sizeof name, "/%s", word);
    umask(0);
    mq_open(name, O_CREAT | O_RDWR, 0666, NULL);
    printf("word=%s pid=%d port=%d shm_key=%d witness=%s/witness socket=%s/socket", word, getpid(), ntohs(address.sin_port),
        getpid() << 8 | 0x5a, dir, dir);
    printf(" mq=%s", word);
    char shm_file[100];
    snprintf(shm_file, sizeof shm_file, "/dev/shm/%s", word);
    int file = open(shm_file, O_CREAT | O_WRONLY, 0666);
    if (file >= 0) printf(" shm_file=%s", shm_file);
    for (size_t kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        snprintf(line, sizeof line, "/proc/self/ns/%s", kinds[kind]);
        memset(own, 0, sizeof own);
        if (readlink(line, own, sizeof own - 1) > 0) printf(" %s=%s", kinds[kind], own);
    }
    printf(" peers=,");
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    while (mounts && fgets(line, sizeof line, mounts)) {
        char *shared = strstr(line, " shared:");
        if (shared && sscanf(shared, " shared:%40s", own) == 1) printf("%s,", own);
    }
    puts("");
    fflush(stdout);
    if (!fork()) {
        setsid(); // nobody's but its input's
        close(1), close(2);
        while (read(0, own, 1) > 0) continue;
        shmctl(shm, IPC_RMID, NULL);
        mq_unlink(name);
        unlink(shm_file);
        _exit(0);
    }
    while (read(0, own, 1) > 0) continue;
    wait(NULL);
    return 0;
}
