# completion of echocli, written by tools/generate.py: change the commands instead
_echocli() {
    local IFS=$' \t\n'
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command='' choices='' options='' list='' quote='' i
    COMPREPLY=()
    # bash splits --option=value into three words
    if [[ $cur == "=" ]]; then
        cur=''
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    # what is offered stands behind a quote that is open
    if [[ $cur == [\"\']* ]]; then
        quote=${cur:0:1} cur=${cur:1}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${command:+$command }${COMP_WORDS[i]}" in
            "transcribe"|"live"|"serve"|"detect"|"warmup"|"bench"|"models"|"models list"|"models pull"|"models verify"|"models path"|"models convert"|"models update"|"models rollback"|"models rm"|"providers"|"devices"|"config"|"config show"|"config path"|"config init"|"shell-init"|"completion") command="${command:+$command }${COMP_WORDS[i]}" ;;
            -*) ;;
            *) [[ $command ]] || command=transcribe ;;
        esac
    done
    case "$command $prev" in
        "transcribe --profile"|"transcribe --threads"|"transcribe -t"|"transcribe --model-revision"|"transcribe --model-sha256"|"transcribe --beam-size"|"transcribe --best-of"|"transcribe --patience"|"transcribe --length-penalty"|"transcribe --temperature"|"transcribe --temperature-increment-on-fallback"|"transcribe --initial-prompt"|"transcribe --hotwords"|"transcribe --suppress-tokens"|"transcribe --compression-ratio-threshold"|"transcribe --log-prob-threshold"|"transcribe --no-speech-threshold"|"transcribe --vad-threshold"|"transcribe --vad-min-speech-ms"|"transcribe --vad-min-silence-ms"|"transcribe --vad-pad-ms"|"transcribe --channel"|"transcribe --raw"|"transcribe --clip"|"transcribe --clip-timestamps"|"transcribe --jobs"|"transcribe -j"|"transcribe --stop-after"|"transcribe --chunk-seconds"|"transcribe --ladder"|"transcribe --fallback"|"transcribe --remote"|"transcribe --token"|"transcribe --retries"|"transcribe --spool-mb"|"transcribe --max-memory-mb"|"transcribe --outage-seconds"|"transcribe --unload-after"|"transcribe --simulate-load"|"transcribe --metrics-seconds"|"transcribe --max-line-width"|"transcribe --max-line-count"|"transcribe --max-words-per-line") _echocli_no_files; return ;;
        "transcribe --model"|"transcribe -m") _echocli_values models; return ;;
        "transcribe --provider"|"transcribe -p") _echocli_no_files; _echocli_values providers; return ;;
        "transcribe --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "transcribe --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "transcribe --model-dir"|"transcribe --output-dir"|"transcribe -o") _echocli_directories; return ;;
        "transcribe --voxtral-binary"|"transcribe --voxtral-model"|"transcribe --record"|"transcribe --token-file"|"transcribe --ca-file"|"transcribe --metrics-file"|"transcribe --log-file") return ;;
        "transcribe --language"|"transcribe -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "transcribe --task") COMPREPLY=($(compgen -W 'transcribe translate' -- "$cur")); return ;;
        "transcribe --preset") COMPREPLY=($(compgen -W 'fast balanced accurate' -- "$cur")); return ;;
        "transcribe --input-device") _echocli_no_files; _echocli_values devices; return ;;
        "transcribe --drop-policy") COMPREPLY=($(compgen -W 'spool discard' -- "$cur")); return ;;
        "transcribe --log-level") COMPREPLY=($(compgen -W 'debug info warning error' -- "$cur")); return ;;
        "transcribe --output-format"|"transcribe -f") COMPREPLY=($(compgen -W 'txt srt vtt tsv lrc jsonl json html all' -- "$cur")); return ;;
        "live --input-device") _echocli_no_files; _echocli_values devices; return ;;
        "live --file"|"live --record"|"live --voxtral-binary"|"live --voxtral-model"|"live --token-file"|"live --ca-file"|"live --metrics-file"|"live --log-file") return ;;
        "live --raw"|"live --channel"|"live --stop-after"|"live --profile"|"live --threads"|"live -t"|"live --model-revision"|"live --model-sha256"|"live --beam-size"|"live --chunk-seconds"|"live --initial-prompt"|"live --hotwords"|"live --vad-threshold"|"live --vad-min-speech-ms"|"live --vad-min-silence-ms"|"live --vad-pad-ms"|"live --ladder"|"live --fallback"|"live --remote"|"live --token"|"live --retries"|"live --spool-mb"|"live --max-memory-mb"|"live --outage-seconds"|"live --unload-after"|"live --simulate-load"|"live --metrics-seconds"|"live --max-line-width"|"live --max-line-count"|"live --max-words-per-line") _echocli_no_files; return ;;
        "live --model"|"live -m") _echocli_values models; return ;;
        "live --provider"|"live -p") _echocli_no_files; _echocli_values providers; return ;;
        "live --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "live --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "live --model-dir"|"live --output-dir"|"live -o") _echocli_directories; return ;;
        "live --language"|"live -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "live --task") COMPREPLY=($(compgen -W 'transcribe translate' -- "$cur")); return ;;
        "live --preset") COMPREPLY=($(compgen -W 'fast balanced accurate' -- "$cur")); return ;;
        "live --drop-policy") COMPREPLY=($(compgen -W 'spool discard' -- "$cur")); return ;;
        "live --log-level") COMPREPLY=($(compgen -W 'debug info warning error' -- "$cur")); return ;;
        "live --output-format"|"live -f") COMPREPLY=($(compgen -W 'txt srt vtt tsv lrc jsonl json html all' -- "$cur")); return ;;
        "serve --host"|"serve --port"|"serve --token"|"serve --allow-origin"|"serve --forwarded-allow-ips"|"serve --rate-limit"|"serve --max-sessions"|"serve --max-requests"|"serve --max-upload-mb"|"serve --max-audio-seconds"|"serve --session-seconds"|"serve --idle-seconds"|"serve --keep-seconds"|"serve --warmup-level"|"serve --profile"|"serve --threads"|"serve -t"|"serve --model-revision"|"serve --model-sha256"|"serve --beam-size"|"serve --initial-prompt"|"serve --hotwords"|"serve --vad-threshold"|"serve --vad-min-speech-ms"|"serve --vad-min-silence-ms"|"serve --vad-pad-ms"|"serve --ladder"|"serve --fallback"|"serve --max-memory-mb"|"serve --outage-seconds"|"serve --unload-after"|"serve --simulate-load"|"serve --metrics-seconds") _echocli_no_files; return ;;
        "serve --ssl-certfile"|"serve --ssl-keyfile"|"serve --token-file"|"serve --voxtral-binary"|"serve --voxtral-model"|"serve --metrics-file"|"serve --log-file") return ;;
        "serve --model"|"serve -m") _echocli_values models; return ;;
        "serve --provider"|"serve -p") _echocli_no_files; _echocli_values providers; return ;;
        "serve --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "serve --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "serve --model-dir") _echocli_directories; return ;;
        "serve --language"|"serve -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "serve --preset") COMPREPLY=($(compgen -W 'fast balanced accurate' -- "$cur")); return ;;
        "serve --drop-policy") COMPREPLY=($(compgen -W 'spool discard' -- "$cur")); return ;;
        "serve --log-level") COMPREPLY=($(compgen -W 'debug info warning error' -- "$cur")); return ;;
        "detect --profile"|"detect --threads"|"detect -t"|"detect --chunk-seconds") _echocli_no_files; return ;;
        "detect --provider"|"detect -p") _echocli_no_files; _echocli_values providers; return ;;
        "detect --model"|"detect -m") _echocli_values models; return ;;
        "detect --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "detect --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "detect --language"|"detect -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "detect --model-dir") _echocli_directories; return ;;
        "warmup --level") COMPREPLY=($(compgen -W '1 2 3' -- "$cur")); return ;;
        "warmup --profile"|"warmup --threads"|"warmup -t"|"warmup --model-revision"|"warmup --model-sha256"|"warmup --max-memory-mb") _echocli_no_files; return ;;
        "warmup --model"|"warmup -m") _echocli_values models; return ;;
        "warmup --provider"|"warmup -p") _echocli_no_files; _echocli_values providers; return ;;
        "warmup --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "warmup --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "warmup --model-dir") _echocli_directories; return ;;
        "warmup --voxtral-binary"|"warmup --voxtral-model") return ;;
        "warmup --language"|"warmup -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "bench --runs"|"bench -n"|"bench --assert"|"bench --compare"|"bench --tolerance"|"bench --wer-tolerance"|"bench --profile"|"bench --threads"|"bench -t"|"bench --beam-size"|"bench --best-of"|"bench --max-memory-mb"|"bench --ladder"|"bench --simulate-load") _echocli_no_files; return ;;
        "bench --reference"|"bench --manifest"|"bench --html"|"bench --voxtral-binary"|"bench --voxtral-model") return ;;
        "bench --model"|"bench -m") _echocli_values models; return ;;
        "bench --provider"|"bench -p") _echocli_no_files; _echocli_values providers; return ;;
        "bench --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "bench --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "bench --model-dir") _echocli_directories; return ;;
        "bench --language"|"bench -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "bench --preset") COMPREPLY=($(compgen -W 'fast balanced accurate' -- "$cur")); return ;;
        "models list --model-dir") _echocli_directories; return ;;
        "models pull --source") COMPREPLY=($(compgen -W 'hf pypi' -- "$cur")); return ;;
        "models pull --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models pull --revision"|"models pull --profile") _echocli_no_files; return ;;
        "models pull --model-dir") _echocli_directories; return ;;
        "models verify --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models verify --model-dir") _echocli_directories; return ;;
        "models verify --profile") _echocli_no_files; return ;;
        "models path --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models path --model-dir") _echocli_directories; return ;;
        "models convert --to") COMPREPLY=($(compgen -W 'ggml int8' -- "$cur")); return ;;
        "models convert --quantize") COMPREPLY=($(compgen -W 'float16 q8_0 q5_0 q5_1' -- "$cur")); return ;;
        "models convert --output"|"models convert -o") return ;;
        "models convert --model-dir") _echocli_directories; return ;;
        "models update --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models update --model-dir") _echocli_directories; return ;;
        "models update --profile") _echocli_no_files; return ;;
        "models rollback --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models rollback --model-dir") _echocli_directories; return ;;
        "models rollback --profile") _echocli_no_files; return ;;
        "models rm --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models rm --model-dir") _echocli_directories; return ;;
        "providers --model-dir") _echocli_directories; return ;;
        "config show --profile") _echocli_no_files; return ;;
        "shell-init --cmd") _echocli_no_files; return ;;
    esac
    case "$command" in
        "") options='--version -V --debug --help -h' choices='transcribe live serve detect warmup bench models providers devices config shell-init completion' ;;
        "transcribe") options='--profile --model -m --provider -p --device --compute-type --threads -t --model-dir --model-revision --model-sha256 --voxtral-binary --voxtral-model --no-offline --offline --language -l --task --preset --beam-size --best-of --patience --length-penalty --temperature --temperature-increment-on-fallback --condition-on-previous-text --no-condition-on-previous-text --initial-prompt --hotwords --suppress-tokens --no-word-timestamps --word-timestamps --compression-ratio-threshold --log-prob-threshold --no-speech-threshold --no-vad --vad --vad-threshold --vad-min-speech-ms --vad-min-silence-ms --vad-pad-ms --channel --raw --clip --clip-timestamps --no-recursive --recursive -r --jobs -j --mic --input-device --record --stop-after --chunk-seconds --degrade --no-degrade --ladder --fallback --remote --token --token-file --ca-file --retries --spool-mb --max-memory-mb --drop-policy --outage-seconds --unload-after --simulate-load --metrics-file --metrics-seconds --log-level --log-file --output-dir -o --output-format -f --max-line-width --max-line-count --max-words-per-line --no-skip-existing --skip-existing --dry-run --json --no-quiet --quiet -q --verbose -v --help -h' choices='' ;;
        "live") options='--mic --input-device --file --pace --raw --channel --record --stop-after --profile --model -m --provider -p --device --compute-type --threads -t --model-dir --model-revision --model-sha256 --voxtral-binary --voxtral-model --no-offline --offline --language -l --task --preset --beam-size --chunk-seconds --initial-prompt --hotwords --no-word-timestamps --word-timestamps --no-vad --vad --vad-threshold --vad-min-speech-ms --vad-min-silence-ms --vad-pad-ms --degrade --no-degrade --ladder --fallback --remote --token --token-file --ca-file --retries --spool-mb --max-memory-mb --drop-policy --outage-seconds --unload-after --simulate-load --metrics-file --metrics-seconds --log-level --log-file --output-dir -o --output-format -f --max-line-width --max-line-count --max-words-per-line --no-quiet --quiet -q --verbose -v --help -h' choices='' ;;
        "serve") options='--host --port --ssl-certfile --ssl-keyfile --token --token-file --insecure --no-insecure --allow-origin --forwarded-allow-ips --no-query-token --query-token --rate-limit --max-sessions --max-requests --max-upload-mb --max-audio-seconds --session-seconds --idle-seconds --keep-seconds --warmup-level --profile --model -m --provider -p --device --compute-type --threads -t --model-dir --model-revision --model-sha256 --voxtral-binary --voxtral-model --no-offline --offline --language -l --preset --beam-size --initial-prompt --hotwords --no-vad --vad --vad-threshold --vad-min-speech-ms --vad-min-silence-ms --vad-pad-ms --degrade --no-degrade --ladder --fallback --max-memory-mb --drop-policy --outage-seconds --unload-after --simulate-load --metrics-file --metrics-seconds --log-level --log-file --no-quiet --quiet -q --verbose -v --help -h' choices='' ;;
        "detect") options='--json --measure --profile --provider -p --model -m --device --compute-type --threads -t --chunk-seconds --no-vad --vad --language -l --model-dir --help -h' choices='' ;;
        "warmup") options='--level --profile --model -m --provider -p --device --compute-type --threads -t --model-dir --model-revision --model-sha256 --voxtral-binary --voxtral-model --no-offline --offline --language -l --max-memory-mb --json --no-quiet --quiet -q --verbose -v --help -h' choices='' ;;
        "bench") options='--runs -n --reference --manifest --full --live --assert --html --compare --tolerance --wer-tolerance --profile --model -m --provider -p --device --compute-type --threads -t --model-dir --voxtral-binary --voxtral-model --no-offline --offline --language -l --preset --beam-size --best-of --no-vad --vad --max-memory-mb --degrade --ladder --simulate-load --json --no-quiet --quiet -q --verbose -v --help -h' choices='' ;;
        "models") options='--help -h' choices='list pull verify path convert update rollback rm' ;;
        "models list") options='--all --json --model-dir --help -h' list=installed ;;
        "models pull") options='--source --format --revision --no-offline --offline --force --no-quiet --quiet -q --model-dir --profile --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models verify") options='--format --no-quiet --quiet -q --json --model-dir --profile --help -h' list=installed ;;
        "models path") options='--format --json --model-dir --help -h' list=installed ;;
        "models convert") options='--to --quantize --output -o --force --model-dir --help -h' list=installed ;;
        "models update") options='--check --format --no-offline --offline --no-quiet --quiet -q --json --model-dir --profile --help -h' list=stored ;;
        "models rollback") options='--format --no-quiet --quiet -q --model-dir --profile --help -h' list=stored ;;
        "models rm") options='--format --yes -y --model-dir --help -h' list=stored ;;
        "providers") options='--json --model-dir --help -h' choices='' ;;
        "devices") options='--json --help -h' choices='' ;;
        "config") options='--help -h' choices='show path init' ;;
        "config show") options='--all --json --profile --help -h' choices='' ;;
        "config path") options='--help -h' choices='' ;;
        "config init") options='--force --help -h' choices='' ;;
        "shell-init") options='--cmd --scripts --help -h' choices='bash zsh fish' ;;
        "completion") options='--help -h' choices='bash zsh fish' ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    elif [[ $list ]]; then
        _echocli_values "$list"
    else
        COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    fi
}
# Offer the words of a list that the program knows.
_echocli_values() {
    local word plain
    while IFS= read -r word; do
        plain=$word
        [[ $quote ]] || printf -v plain %q "$word"
        [[ -z $word || ($word != "$cur"* && $plain != "$cur"*) ]] || COMPREPLY+=("$plain")
    done <<<"$(command echocli completion --values "$1" 2>/dev/null </dev/null)"
}
_echocli_no_files() {
    compopt +o default +o bashdefault 2>/dev/null
}
_echocli_directories() {
    local IFS=$'\n'
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -d -- "$cur"))
}
# Complete the function that `echocli shell-init` defines, and nothing else of its name.
_echocli_function() {
    local IFS=$' \t\n'
    local name=${COMP_WORDS[0]##*/} word
    COMPREPLY=()
    if [[ $name != echocli ]] && ! declare -F "$name" >/dev/null; then
        return 0
    elif [[ $name == echocli || ! $(type -at "$name") =~ builtin|file ]]; then
        _echocli
    elif ((COMP_CWORD == 1)); then
        compopt -o filenames 2>/dev/null
        while IFS= read -r word; do
            [[ -z $word ]] || COMPREPLY+=("$word")
        done <<<"$(compgen -W 'transcribe live serve detect warmup bench models providers devices config shell-init completion' -- "${COMP_WORDS[1]}"; compgen -f -- "${COMP_WORDS[1]}")"
    else
        case ${COMP_WORDS[1]} in
            transcribe|live|serve|detect|warmup|bench|models|providers|devices|config|shell-init|completion) _echocli ;;
        esac
    fi
}
# An empty answer leaves the word to bash, which then offers files.
complete -o bashdefault -o default -F _echocli echocli
