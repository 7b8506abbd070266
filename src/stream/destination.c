/* stream: reading where a sender's frames go. Used by sender.c and doctor.c. */
#include "stream/destination.h"

#include "base/error.h"
#include "base/resolve.h"
#include "base/settings.h"
#include "base/text.h"
#include "link/link.h"
#include "tunnel/tunnel.h"
#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What people write for the settings that differ most often. */
static const char *const short_names[][2] = {
    {"ssh", "ssh_tunnel_mode"},    {"jump", "ssh_jump"},
    {"key", "ssh_tunnel_keyfile"}, {"password-file", "ssh_password_file"},
    {"host-key", "ssh_host_key"},
};

static sl_option_group groups[3];

static void fill_groups(void) {
    groups[0] = (sl_option_group){"Link", sl_link_options, sl_link_option_count,
                                  offsetof(sl_destination_settings, link)};
    groups[1] = (sl_option_group){"Tunnel", sl_tunnel_options, sl_tunnel_option_count,
                                  offsetof(sl_destination_settings, tunnel)};
}

static void init(sl_destination_settings *destination, const sl_sender_settings *sender) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, fill_groups);
    sl_settings_init(destination, sizeof *destination, groups);
    destination->link = sender->link;
    destination->tunnel = sender->tunnel;
}

/* Whether an option begins here: NAME=. A comma elsewhere is part of a value. */
static bool begins_option(const char *text) {
    size_t length = 0;
    while (islower((unsigned char)text[length]) || text[length] == '-' || text[length] == '_')
        length++;
    return length > 0 && text[length] == '=';
}

/* Cuts the text before its next option, which is given; NULL when there is none. */
static char *cut_option(char *text) {
    for (char *comma = strchr(text, ','); comma; comma = strchr(comma + 1, ',')) {
        if (!begins_option(comma + 1))
            continue;
        *comma = '\0';
        return comma + 1;
    }
    return NULL;
}

/* The setting that is meant. */
static const char *setting_of(const char *option) {
    for (size_t i = 0; i < SL_COUNT(short_names); i++) {
        if (strcmp(option, short_names[i][0]) == 0)
            return short_names[i][1];
    }
    return option;
}

/* Whether it says how an SSH server is to be met; nobody should take the way to be encrypted when
 * there is none on it. */
static bool is_about_ssh(const char *setting) {
    return strncmp(setting, "ssh_", 4) == 0 && strcmp(setting, "ssh_tunnel_mode") != 0;
}

/* What is no destination's own, but the sender's. */
static bool is_senders(const char *setting) {
    sl_sender_settings sender;
    sl_sender_settings_init(&sender);
    bool known = sl_settings_find(&sender, setting) != NULL;
    sl_settings_finish(&sender);
    return known;
}

/* `*about_ssh`: the last option that needs an SSH server, if any. */
static int take_option(sl_destination_settings *destination, char *option, const char **about_ssh) {
    char *value = strchr(option, '=');
    *value++ = '\0';
    const char *setting = setting_of(option);
    if (is_about_ssh(setting))
        *about_ssh = option;
    if (!sl_settings_find(destination, setting) && is_senders(setting))
        return sl_fail(SL_EINVAL, "\"%s\" is the same for all destinations, so none has its own",
                       option);
    int result = sl_settings_set(destination, setting, value);
    const char *ssh = destination->tunnel.destination;
    if (ssh && !*ssh)
        destination->tunnel.destination = destination->tunnel.jump = destination->tunnel.jump_keys =
            NULL;
    return result;
}

/* What stands before the first option. */
static int take_place(sl_destination_settings *destination, char *place) {
    char *colon = strrchr(place, ':'), *bracket = strrchr(place, ']'), *end = NULL;
    bool port_given = colon && !sl_is_ipv6(place) && !(bracket && bracket > colon);
    char *comma = strchr(place, ',');
    if (comma)
        return sl_fail(SL_EINVAL, "\"%.40s\" is no option; behind a comma stands NAME=VALUE",
                       comma + 1);
    if (place[0] == '[' && !bracket)
        return sl_fail(SL_EINVAL, "its IPv6 address has no closing bracket");
    if (port_given) {
        long port = isdigit((unsigned char)colon[1]) ? strtol(colon + 1, &end, 10) : 0;
        if (port < 1 || port > 65535 || *end)
            return sl_fail(SL_EINVAL, "its port, \"%.20s\", is not a number from 1 to 65535",
                           colon + 1);
        destination->link.port = (int)port;
        *colon = '\0';
    }
    if (!*place)
        return sl_fail(SL_EINVAL, "it names no address");
    return sl_settings_set(destination, "address", place);
}

static int take_words(sl_destination_settings *destination, char *words) {
    char *option = begins_option(words) ? words : cut_option(words);
    const char *about_ssh = NULL;
    int result = option == words ? sl_fail(SL_EINVAL, "it names no address")
                                 : take_place(destination, sl_text_trim(words));
    while (result == SL_OK && option) {
        char *next = cut_option(option);
        result = take_option(destination, sl_text_trim(option), &about_ssh);
        option = next;
    }
    if (result == SL_OK && about_ssh && !destination->tunnel.destination)
        result = sl_fail(SL_EINVAL, "%s does nothing without an SSH server on the way (ssh=)",
                         about_ssh);
    return result;
}

/* As opening its tunnel and link would do later. */
static int check(sl_destination_settings *destination) {
    const sl_link_settings *link = &destination->link;
    const sl_tunnel_settings *tunnel = &destination->tunnel;
    sl_tunnel_target target = {link->address ? link->address : "localhost", link->port};
    if (tunnel->destination && link->protocol != SL_PROTOCOL_TCP)
        return sl_fail(SL_EINVAL, "an SSH tunnel leads to a TCP port; leave protocol at tcp");
    int result = sl_link_check_modes(link, SL_ROLE_SENDER);
    if (!result && link->ports)
        result = sl_fail(SL_EINVAL, "port: a destination has one");
    if (!result)
        result = sl_tunnel_check(tunnel, &target);
    return result ? result
                  : sl_link_endpoint(link, SL_ROLE_SENDER, destination->endpoint,
                                     sizeof destination->endpoint);
}

static void name(sl_destination_settings *destination) {
    const char *ssh = destination->tunnel.destination;
    int used = snprintf(destination->name, sizeof destination->name, "%.100s",
                        strstr(destination->endpoint, "://") + 3);
    if (ssh)
        snprintf(destination->name + used, sizeof destination->name - (size_t)used, " through %s",
                 ssh);
}

static int check_new(const sl_destinations *destinations,
                     const sl_destination_settings *destination) {
    const char *ssh = destination->tunnel.destination;
    for (size_t i = 0; i + 1 < destinations->count; i++) {
        const sl_destination_settings *other = &destinations->all[i];
        const char *others = other->tunnel.destination;
        if (strcmp(other->endpoint, destination->endpoint) == 0 &&
            strcmp(ssh ? ssh : "", others ? others : "") == 0)
            return sl_fail(SL_EINVAL, "it is there twice");
    }
    return SL_OK;
}

static int add(sl_destinations *destinations, const sl_sender_settings *sender, char *words) {
    char shown[80]; /* its place alone: a password may follow */
    words = sl_text_trim(words);
    snprintf(shown, sizeof shown, "%.*s", (int)strcspn(words, ","), words);
    if (destinations->count == SL_DESTINATIONS_MAX)
        return sl_fail(SL_EINVAL, "a sender has at most %d destinations", SL_DESTINATIONS_MAX);
    sl_destination_settings *destination = &destinations->all[destinations->count++];
    init(destination, sender);
    int result = take_words(destination, words);
    if (!result)
        result = check(destination);
    if (!result)
        name(destination);
    if (!result)
        result = check_new(destinations, destination);
    if (result == SL_EINVAL)
        sl_fail(result, "the destination \"%s\": %s", shown, sl_error());
    return result;
}

/* In multi-client mode frames go from one to the next, or to all, as the pattern has it. */
static int check_alike(const sl_destinations *destinations, const sl_sender_settings *sender) {
    for (size_t i = 0; i < destinations->count; i++) {
        const sl_link_settings *link = &destinations->all[i].link;
        if (link->multiclient_mode != sender->link.multiclient_mode)
            return sl_fail(SL_EINVAL, "multiclient_mode is for all destinations or none");
        if (link->multiclient_mode && link->pattern != sender->link.pattern)
            return sl_fail(SL_EINVAL, "in multiclient_mode all destinations have one pattern");
        if ((link->pattern == SL_PATTERN_LIVE) != (sender->link.pattern == SL_PATTERN_LIVE))
            return sl_fail(SL_EINVAL, "live is the pattern of all destinations or none, which "
                                      "share what is coded; set another for all with --pattern, "
                                      "and then each its own");
    }
    return SL_OK;
}

/* One destination for each port. */
static int read_ports(sl_destinations *destinations, const sl_sender_settings *sender,
                      const sl_link_ports *ports) {
    int result = SL_OK;
    for (size_t i = 0; i < ports->count && !result; i++) {
        sl_destination_settings *destination = &destinations->all[destinations->count++];
        init(destination, sender);
        destination->link.ports = NULL;
        destination->link.port = ports->all[i];
        result = check(destination);
        if (!result && ports->count > 1)
            name(destination);
    }
    return result;
}

/* Reads the list, which is cut to pieces meanwhile. */
static int read_list(sl_destinations *destinations, const sl_sender_settings *sender, char *list) {
    int result = SL_OK;
    while (result == SL_OK && list) {
        char *next = strchr(list, ';');
        if (next)
            *next++ = '\0';
        result = add(destinations, sender, list);
        list = next;
    }
    return result;
}

static int read_copy(sl_destinations *destinations, const sl_sender_settings *sender) {
    if (sender->link.address)
        return sl_fail(SL_EINVAL, "destinations (--to) have addresses of their own; leave the "
                                  "address out (--address)");
    if (sender->link.ports)
        return sl_fail(SL_EINVAL, "port: destinations (--to) have one each, behind their address");
    char *copy = strdup(sender->destinations);
    if (!copy)
        return sl_fail_memory();
    int result = read_list(destinations, sender, copy);
    explicit_bzero(copy, strlen(sender->destinations));
    free(copy);
    return result ? result : check_alike(destinations, sender);
}

int sl_destinations_read(sl_destinations *destinations, const sl_sender_settings *sender) {
    const sl_link_settings *link = &sender->link;
    sl_link_ports ports;
    *destinations = (sl_destinations){
        .in_turns = link->multiclient_mode && link->pattern == SL_PATTERN_REQREP,
    };
    int result = sl_link_check_modes(link, SL_ROLE_SENDER);
    if (!result)
        result = sl_link_ports_read(&ports, link);
    if (result)
        return result;
    size_t most = sender->destinations ? SL_DESTINATIONS_MAX : ports.count;
    destinations->all = calloc(most, sizeof *destinations->all);
    if (!destinations->all)
        return sl_fail_memory();
    return sender->destinations ? read_copy(destinations, sender)
                                : read_ports(destinations, sender, &ports);
}

/* Whether one before it has made the certificates where this one's are. */
static bool made_before(const sl_destinations *destinations, size_t index) {
    const char *place = destinations->all[index].link.custom_cert_location;
    for (size_t i = 0; i < index; i++) {
        const sl_link_settings *other = &destinations->all[i].link;
        const char *others = other->custom_cert_location;
        if (other->overwrite_cert && strcmp(place ? place : "", others ? others : "") == 0)
            return true;
    }
    return false;
}

int sl_destinations_prepare(const sl_destinations *destinations, bool overwrite) {
    for (size_t i = 0; i < destinations->count; i++) {
        const sl_destination_settings *destination = &destinations->all[i];
        sl_link_settings link = destination->link;
        link.overwrite_cert = link.overwrite_cert && overwrite && !made_before(destinations, i);
        int result = sl_link_prepare(&link, SL_ROLE_SENDER);
        if (result && destinations->count > 1)
            sl_fail(result, "the destination \"%s\": %s", destination->name, sl_error());
        if (result)
            return result;
    }
    return SL_OK;
}

void sl_destinations_finish(sl_destinations *destinations) {
    for (size_t i = 0; i < destinations->count; i++)
        sl_settings_finish(&destinations->all[i]);
    free(destinations->all);
    *destinations = (sl_destinations){0};
}
