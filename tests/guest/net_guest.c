/* SPDX-License-Identifier: MIT */
/*
 * The guest's side of the network tests, where busybox has nothing:
 *
 *   net_guest conns HOST PORT N    N connections, one after the other: a line there and back
 *   net_guest udp HOST PORT N      N datagrams of different sizes, each echoed
 *   net_guest udpecho PORT         echo datagrams
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_in address(const char *host, const char *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

    inet_pton(AF_INET, host, &a.sin_addr);
    return a;
}

static int one_connection(const struct sockaddr_in *to, int n)
{
    char line[32], back[32] = "";
    int fd = socket(AF_INET, SOCK_STREAM, 0), len = sprintf(line, "line %d\n", n);
    int ok = connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
             write(fd, line, (size_t)len) == len && read(fd, back, sizeof(back)) == len &&
             memcmp(line, back, (size_t)len) == 0 && read(fd, back, 1) == 0;

    close(fd);
    return ok;
}

static int one_datagram(int fd, const struct sockaddr_in *to, int n)
{
    char data[1472], back[1500];
    size_t len = (size_t)(n * 97 % (int)sizeof(data)) + 1;

    memset(data, n, len);
    for (int tries = 0; tries < 3; tries++) {
        sendto(fd, data, len, 0, (const struct sockaddr *)to, sizeof(*to));
        if (recv(fd, back, sizeof(back), 0) == (ssize_t)len && memcmp(data, back, len) == 0)
            return 1;
    }
    return 0;
}

static int udp_socket(void)
{
    struct timeval tv = {10, 0};
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
    return fd;
}

static void udp_echo(const char *port)
{
    struct sockaddr_in here = address("0.0.0.0", port), from;
    char data[65536];
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    bind(fd, (struct sockaddr *)&here, sizeof(here));
    for (;;) {
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&from, &size);
        if (n >= 0)
            sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&from, size);
    }
}

int main(int argc, char **argv)
{
    int good = 0;

    if (argc == 3 && !strcmp(argv[1], "udpecho"))
        udp_echo(argv[2]);
    if (argc != 5)
        return 2;
    struct sockaddr_in to = address(argv[2], argv[3]);
    int fd = udp_socket();
    for (int i = 0; i < atoi(argv[4]); i++)
        good += argv[1][0] == 'c' ? one_connection(&to, i) : one_datagram(fd, &to, i);
    printf("%s:%d\n", argv[1][0] == 'c' ? "CONNS" : "UDP", good);
    return 0;
}
