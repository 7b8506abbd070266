#compdef sightline
# zsh completion for sightline(1)

local -a both
both=(
    '--address[where the viewer is, or what it listens on]:host:_hosts'
    '--port[of the viewer]:port:'
    '--protocol[how the ends meet]:protocol:(tcp ipc)'
    '--pattern[how the ends take turns]:pattern:(pair reqrep pubsub live)'
    '--secure-mode[encrypt with CURVE]:mode:(0 1 2)'
    '--cert-location[where .vidgear/keys is]:folder:_files -/'
    '*-o[any option by its name]:KEY=VALUE:'
    '--config[file of settings]:file:_files'
    '--frames[stop after so many]:frames:'
    '--duration[stop after so long]:seconds:'
    '--stats[write figures as JSON, - is standard output]:file:_files'
    '--ssh[this end of the link stands there]:[USER@]HOST[\:PORT]:_hosts'
    '--ssh-jump[SSH servers to go through first]:[USER@]HOST[\:PORT],...:_hosts'
    '--ssh-key[private key]:file:_files'
    '--ssh-password-file[file with the password, - asks]:file:_files'
    '--ssh-host-key[the only host key to accept]:fingerprint:'
    '--persist[never give the tunnel up, whatever refuses it]'
    '--ssh-backend[what speaks SSH]:what:(libssh openssh)'
    '--log[how much to tell]:level:(none error warning info debug)'
    '--quiet[show nothing but errors]'
    '--help[say what there is]'
)

if (( CURRENT == 2 )); then
    _values 'command' \
        'send[the camera end]' 'view[the viewer end]' 'cameras[what cameras there are]' \
        'doctor[why two ends cannot meet]' 'pair[introduce a camera to a viewer]' \
        'keys[the certificates of secure connections]' 'help[what a command does]' '--help' '--version'
    return
fi

# From here on the command is the first word, as what knows options expects it.
local command=$words[2] own= source='1:source:_files'
shift words; (( CURRENT-- ))
case $command in
send) own='--join[accept the invitation of a viewer]:line:' ;;
doctor)
    own='--json[write JSON]'
    if (( CURRENT == 2 )); then
        source='1:whose words, or source:{compadd send view; _files}'
    elif [[ $words[2] = (send|view) ]]; then
        [[ $words[2] = send ]] || command=view
        shift words; (( CURRENT-- ))
    fi
    ;;
esac

case $command in
send | doctor)
    _arguments $both $own \
        '*--to[a destination, in place of --address]:ADDRESS[\:PORT][,NAME=VALUE]…:_hosts' \
        '--raw[send pixels as they are]' \
        '--jpeg[send JPEG]' \
        '--quality[of JPEG]:10 to 100:' \
        '--min-quality[of JPEG where the way is slow]:10 to 100:' \
        '--name[what viewers call this camera]:text:' \
        '--max-age[of a frame when it comes]:milliseconds:' \
        '--min-fps[to keep]:frames a second:' \
        '--max-rate[that live sends]:kbit/s:' \
        '--data-cap[that live sends a day]:MB:' \
        '--prefer[what to keep when bits are few]:what:(sharp smooth)' \
        '--size[of the picture]:WIDTHxHEIGHT:' \
        '--fps[frames a second]:rate:' \
        '--loop[begin a file again at its end]' \
        '--filter[libavfilter graph]:graph:' \
        '--message[a value to send with each frame]:JSON:' \
        $source
    ;;
view)
    _arguments $both $own \
        '--gate[be an SSH server that carries frames]:[ADDR\:]PORT:' \
        '--authorized-keys[public keys that the gate lets in]:file:_files' \
        '--web[show the cameras on a page]:[ADDR\:]PORT:' \
        '--record[record all cameras]:directory:_files -/' \
        '--record-before[seconds kept for a recording]:seconds:' \
        '--record-segment[a new file after so much]:time or size:' \
        '--keep[delete older recordings]:time or size:' \
        '--sink[what takes the frames]:sink:(window null file\: -)' \
        '--every-frame[a queue in place of newest first]' \
        '--smooth[show live frames evenly, so much later]:milliseconds:' \
        '--timecode[read the latency from the picture]' \
        '--timeout[give up after so long without a frame]:seconds:' \
        '--return[a value to return with each reply]:JSON:' \
        '--return-picture[a picture to return with each reply]:file:_files'
    ;;
pair)
    _arguments \
        '--host[how the camera reaches this viewer]:HOST[\:PORT]:_hosts' \
        '--list[print the cameras that the gate lets in]' \
        '--revoke[let a camera in no more]:name or fingerprint:' \
        '--json[write a JSON object]' \
        '--gate[where the gate is]:[ADDR\:]PORT:' \
        '--authorized-keys[public keys that the gate lets in]:file:_files' \
        '--port[of the viewer]:port:' \
        '--pattern[of the viewer]:pattern:(pair reqrep pubsub live)' \
        '*-o[any option by its name]:KEY=VALUE:' \
        '--config[file of settings]:file:_files' \
        '--log[how much to tell]:level:(none error warning info debug)' \
        '--help[say what there is]'
    ;;
cameras)
    _arguments '--json[write a JSON object]' \
        '--log[how much to tell]:level:(none error warning info debug)' \
        '--help[say what there is]'
    ;;
keys)
    _arguments \
        '--cert-location[where .vidgear/keys is]:folder:_files -/' \
        '--overwrite[make new ones in place of those there]' \
        '--json[write a JSON object]' \
        '--config[file of settings]:file:_files' \
        '--log[how much to tell]:level:(none error warning info debug)' \
        '--help[say what there is]' \
        '1:what to do:(make list export)' \
        '2:for whom:(camera viewer)'
    ;;
help)
    _values 'command' send view cameras doctor pair keys help
    ;;
esac
