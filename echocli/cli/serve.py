"""``echocli serve``: transcribe for other programs."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import typer

from echocli.cli import keeping_options, options
from echocli.cli import serve_options as serving
from echocli.cli.chosen import chosen_by, console_of
from echocli.environment import Environment
from echocli.errors import ProviderError
from echocli.heap import share_one_arena

NEEDED = ("fastapi", "prometheus_client", "python_multipart", "uvicorn", "websockets")
"""What the extra ``server`` brings."""

SERVER = "echocli.server.run"
"""What imports the libraries and what they bring along."""


def command(
    ctx: typer.Context,
    host: serving.Host = None,
    port: serving.Port = None,
    ssl_certfile: serving.Certificate = None,
    ssl_keyfile: serving.Key = None,
    token: serving.Token = None,
    token_file: serving.TokenFile = None,
    insecure: serving.Insecure = None,
    allow_origin: serving.AllowOrigin = None,
    forwarded_allow_ips: serving.ForwardedAllowIps = None,
    query_token: serving.QueryToken = None,
    rate_limit: serving.RateLimit = None,
    max_sessions: serving.MaxSessions = None,
    max_requests: serving.MaxRequests = None,
    max_upload_mb: serving.MaxUpload = None,
    max_audio_seconds: serving.MaxAudio = None,
    session_seconds: serving.SessionSeconds = None,
    idle_seconds: serving.IdleSeconds = None,
    keep_seconds: serving.KeepSeconds = None,
    warmup_level: serving.WarmupLevel = None,
    profile: options.Profile = None,
    model: options.Model = None,
    provider: options.Provider = None,
    device: options.Device = None,
    compute_type: options.ComputeType = None,
    threads: options.Threads = None,
    model_dir: options.ModelDir = None,
    model_revision: options.ModelRevision = None,
    model_sha256: options.ModelSha256 = None,
    voxtral_binary: options.VoxtralBinary = None,
    voxtral_model: options.VoxtralModel = None,
    offline: options.Offline = None,
    language: options.Language = None,
    preset: options.PresetName = None,
    beam_size: options.BeamSize = None,
    initial_prompt: options.InitialPrompt = None,
    hotwords: options.Hotwords = None,
    vad: options.Vad = None,
    vad_threshold: options.VadThreshold = None,
    vad_min_speech_ms: options.VadMinSpeech = None,
    vad_min_silence_ms: options.VadMinSilence = None,
    vad_pad_ms: options.VadPad = None,
    degrade: keeping_options.Degrade = None,
    ladder: keeping_options.Ladder = None,
    fallback: keeping_options.FallbackName = None,
    max_memory_mb: keeping_options.MaxMemory = None,
    drop_policy: keeping_options.DropPolicyName = None,
    outage_seconds: keeping_options.OutageSeconds = None,
    unload_after: keeping_options.UnloadAfter = None,
    simulate_load: keeping_options.SimulateLoad = None,
    metrics_file: keeping_options.MetricsFile = None,
    metrics_seconds: keeping_options.MetricsSeconds = None,
    log_level: keeping_options.LogLevel = None,
    log_file: keeping_options.LogFile = None,
    quiet: options.Quiet = False,
    verbose: options.Verbose = 0,
) -> None:
    """Transcribe for other programs, over HTTP and WebSockets.

    Speaks OpenAI's audio API at /v1/audio and live sound at /v1/live; /health and /metrics say how
    it does. The model loads while the server already listens. Ctrl-C finishes what was begun.
    """
    environment: Environment = ctx.obj
    share_one_arena()
    require()
    chosen = chosen_by(ctx)
    from echocli.server.settings import settings_of

    settings = settings_of(chosen, environment.environ, token)
    console = console_of(environment, chosen)
    from echocli.server import run

    listening = run.listen(settings)
    with listening:
        from echocli.api.hosting import hosting

        with hosting(
            chosen,
            environment,
            console,
            sessions=settings.max_sessions,
            level=settings.warmup_level,
        ) as shared:
            shared.setup.announce(console)
            run.serve(shared, settings, environment, listening)


def require() -> None:
    """Raise ``ProviderError`` where a library of the extra is not installed, or only half."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise _lacking(", ".join(missing))
    for name in (*NEEDED, SERVER):
        try:
            import_module(name)
        except ImportError as error:  # of what they need themselves
            if error.name is None or error.name.startswith("echocli"):
                raise
            raise _lacking(error.name) from error


def _lacking(what: str) -> ProviderError:
    return ProviderError(
        f"serve needs {what}, which is not installed", hint="pip install 'echocli[server]'"
    )
