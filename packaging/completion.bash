# bash completion for sightline(1)

_sightline_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current")
}

_sightline_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
}

# What -o takes, as the command itself tells.
_sightline_names() {
    local words=("${COMP_WORDS[@]:0:2}")
    [ "${COMP_WORDS[*]:1:2}" != 'doctor view' ] || words+=(view)
    compopt -o nospace 2>/dev/null
    _sightline_words "$("${words[@]}" --help 2>/dev/null |
        sed -n 's/^  -o \([a-z_]*=\).*/\1/p')"
}

# The value of an option; fails for one that takes none.
_sightline_value() {
    case $1 in
    --pattern) _sightline_words 'pair reqrep pubsub live' ;;
    --prefer) _sightline_words 'sharp smooth' ;;
    --ssh-backend) _sightline_words 'libssh openssh' ;;
    --protocol) _sightline_words 'tcp ipc' ;;
    --secure-mode) _sightline_words '0 1 2' ;;
    --cert-location | --record) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    --log) _sightline_words 'none error warning info debug' ;;
    --sink) _sightline_words 'window null file: -' ;;
    --ssh | --ssh-jump | --to | --host) mapfile -t COMPREPLY < <(compgen -A hostname -- "$current") ;;
    --ssh-key | --ssh-password-file | --authorized-keys | --config | --stats | --return-picture) _sightline_files ;;
    --address | --port | --gate | --ssh-host-key | --frames | --duration | --quality | --min-quality | --name | --max-age | --min-fps | --max-rate | --data-cap | --size | --fps | \
        --smooth | --web | --record-before | --record-segment | --keep | --filter | --timeout | --join | --revoke | --message | --return) COMPREPLY=() ;;
    -o) _sightline_names ;;
    *) return 1 ;;
    esac
}

_sightline_source() {
    local devices=(/dev/video*)
    [ -e "${devices[0]}" ] || devices=()
    _sightline_files
    mapfile -t -O ${#COMPREPLY[@]} COMPREPLY \
        < <(compgen -W "0 pattern: screen: - ${devices[*]}" -- "$current")
}

_sightline() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
    local commands='send view cameras doctor pair keys help'
    local both='--address --port --protocol --pattern --secure-mode --cert-location --ssh --ssh-jump --ssh-key
        --ssh-password-file --ssh-host-key --persist --ssh-backend -o --config --frames --duration --stats --log --quiet --help'
    local send='--to --raw --jpeg --quality --min-quality --name --max-age --min-fps --max-rate --data-cap --prefer --size --fps --loop --filter --message'
    COMPREPLY=()

    if [ "$COMP_CWORD" = 1 ]; then
        _sightline_words "$commands --help --version"
        return
    fi
    if _sightline_value "$previous"; then
        return
    fi
    local command=${COMP_WORDS[1]} also=
    if [ "$command" = doctor ] && [ "$COMP_CWORD" -gt 2 ] && [ "${COMP_WORDS[2]}" = view ]; then
        command=view also=--json
    fi
    case $command in
    send | doctor)
        case $current in
        -*)
            local own=--join
            [ "$command" = send ] || own=--json
            _sightline_words "- $both $send $own"
            ;;
        *)
            _sightline_source
            [ "$command$COMP_CWORD" != doctor2 ] ||
                mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < <(compgen -W 'send view' -- "$current")
            ;;
        esac
        ;;
    view) _sightline_words "$both $also --gate --authorized-keys --web --record --record-before --record-segment --keep --sink --every-frame --smooth --timecode --timeout
        --return --return-picture" ;;
    pair) _sightline_words '--host --list --revoke --json --gate --authorized-keys --port --pattern
        -o --config --log --help' ;;
    cameras) _sightline_words '--json --log --help' ;;
    keys)
        case $current in
        -*) _sightline_words '--cert-location --overwrite --json --config --log --help' ;;
        *) _sightline_words 'make list export camera viewer' ;;
        esac
        ;;
    help) _sightline_words "$commands" ;;
    esac
}

complete -F _sightline sightline
