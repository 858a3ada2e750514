"""What each error means at the edge: an HTTP status, an exit code and a title. Decided here and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from http import HTTPStatus
from typing import Any


class ExitCode(IntEnum):
    """How a command ends."""

    OK = 0
    FAILED = 1
    INPUT = 2
    ENVIRONMENT = 3
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of failure as users meet it."""

    status: HTTPStatus
    exit_code: ExitCode
    title: str


class CommandError(Exception):
    """Ends a command with a sentence and an exit code."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


def _input(status: HTTPStatus, title: str) -> Problem:
    return Problem(status, ExitCode.INPUT, title)


_UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY
_UNSUPPORTED = HTTPStatus.UNSUPPORTED_MEDIA_TYPE

PROBLEMS: dict[str, Problem] = {
    "song_absent": _input(HTTPStatus.NOT_FOUND, "The song is not there"),
    "song_is_directory": _input(_UNPROCESSABLE, "A directory is no song"),
    "song_not_file": _input(_UNPROCESSABLE, "Not a regular file"),
    "song_unreadable": _input(_UNPROCESSABLE, "The song cannot be read"),
    "song_empty": _input(_UNPROCESSABLE, "The song is empty"),
    "song_is_playlist": _input(_UNSUPPORTED, "A playlist is no song"),
    "song_not_media": _input(_UNSUPPORTED, "Not a song"),
    "song_without_sound": _input(_UNPROCESSABLE, "There is no sound"),
    "song_too_short": _input(_UNPROCESSABLE, "The song is too short"),
    "song_too_long": _input(_UNPROCESSABLE, "The song is too long"),
    "song_truncated": _input(_UNPROCESSABLE, "The song breaks off"),
    "footage_absent": _input(HTTPStatus.NOT_FOUND, "The video is not there"),
    "footage_gone": _input(HTTPStatus.GONE, "The video is no longer there"),
    "footage_not_file": _input(_UNPROCESSABLE, "Not a regular file"),
    "footage_unreadable": _input(_UNPROCESSABLE, "The video cannot be read"),
    "footage_empty": _input(_UNPROCESSABLE, "The video is empty"),
    "footage_is_playlist": _input(_UNSUPPORTED, "A playlist is no video"),
    "footage_not_media": _input(_UNSUPPORTED, "Not a video"),
    "footage_no_pictures": _input(_UNPROCESSABLE, "There are no pictures"),
    "footage_broken": _input(_UNPROCESSABLE, "The video does not decode"),
    "footage_too_large": _input(_UNPROCESSABLE, "The pictures are too large"),
    "footage_too_long": _input(_UNPROCESSABLE, "The video is too long"),
    "upload_too_large": _input(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The upload is too large"),
    "card_too_long": _input(_UNPROCESSABLE, "A title or credits are too long"),
    "window_invalid": _input(_UNPROCESSABLE, "Start and end do not fit the song"),
    "seed_out_of_range": _input(_UNPROCESSABLE, "The seed is out of range"),
    "shot_length_invalid": _input(_UNPROCESSABLE, "The shortest shot is out of range"),
    "option_invalid": _input(_UNPROCESSABLE, "An option cannot be used"),
    "audio_not_copied": _input(_UNPROCESSABLE, "The sound cannot be copied"),
    "timeline_too_large": _input(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The timeline is too large"),
    "timeline_invalid": _input(_UNPROCESSABLE, "The timeline cannot be used"),
    "output_invalid": _input(_UNPROCESSABLE, "The output cannot be written there"),
    "video_absent": _input(HTTPStatus.NOT_FOUND, "The video is not there"),
    "video_not_file": _input(_UNPROCESSABLE, "Not a regular file"),
    "video_not_media": _input(_UNSUPPORTED, "Not a video"),
    "video_without_pictures": _input(_UNPROCESSABLE, "There are no pictures"),
    "corrections_invalid": _input(_UNPROCESSABLE, "The corrections cannot be used"),
    "import_unreadable": _input(_UNPROCESSABLE, "The file cannot be read"),
    "import_empty": _input(_UNPROCESSABLE, "There are neither beats nor sections"),
    "import_not_format": _input(_UNPROCESSABLE, "The file is not of its format"),
    "import_times_invalid": _input(_UNPROCESSABLE, "The times do not fit the song"),
    "import_too_large": _input(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The file is too large"),
    "lyrics_absent": _input(_UNPROCESSABLE, "The song has no lyrics"),
    "lyrics_empty": _input(_UNPROCESSABLE, "There are no words"),
    "lyrics_invalid": _input(_UNPROCESSABLE, "The lyrics cannot be read"),
    "lyrics_outside": _input(_UNPROCESSABLE, "The lyrics lie behind the song's end"),
    "lyrics_unreadable": _input(_UNPROCESSABLE, "The lyrics are no text"),
    "lyrics_too_large": _input(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The lyrics are too large"),
    "font_missing": _input(_UNPROCESSABLE, "No font has the letters"),
    "format_unknown": _input(_UNSUPPORTED, "The format is not known"),
    "export_impossible": _input(_UNPROCESSABLE, "The format cannot hold it"),
    "invalid_input": _input(_UNPROCESSABLE, "The input cannot be used"),
    "invalid_record": _input(_UNPROCESSABLE, "A document is not of the expected form"),
    "not_found": _input(HTTPStatus.NOT_FOUND, "Not found"),
    "changed_meanwhile": Problem(HTTPStatus.PRECONDITION_FAILED, ExitCode.FAILED, "Changed meanwhile"),
    "range_invalid": _input(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "The range lies outside"),
    "not_ready": Problem(HTTPStatus.CONFLICT, ExitCode.FAILED, "Not finished yet"),
    "job_over": Problem(HTTPStatus.CONFLICT, ExitCode.FAILED, "The job is over"),
    "job_not_over": Problem(HTTPStatus.CONFLICT, ExitCode.FAILED, "The job is not over"),
    "tool_missing": Problem(HTTPStatus.INTERNAL_SERVER_ERROR, ExitCode.ENVIRONMENT, "A tool is missing"),
    "settings_error": Problem(HTTPStatus.INTERNAL_SERVER_ERROR, ExitCode.ENVIRONMENT, "A setting cannot be used"),
    "cluster_error": Problem(HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.ENVIRONMENT, "Ray is not available"),
    "database_unavailable": Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.ENVIRONMENT, "The database is not available"
    ),
    "disk_full": Problem(HTTPStatus.INSUFFICIENT_STORAGE, ExitCode.ENVIRONMENT, "The disk is full"),
    "out_of_memory": Problem(HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.ENVIRONMENT, "Memory ran out"),
    "storage_error": Problem(HTTPStatus.SERVICE_UNAVAILABLE, ExitCode.ENVIRONMENT, "Storage is not available"),
}

_OTHER = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, ExitCode.FAILED, "Something went wrong")


def problem_of(code: str) -> Problem:
    """Give what the error ``code`` means; unknown codes are ours to mend, never the user's."""
    return PROBLEMS.get(code, _OTHER)


def job_error(error: dict[str, Any] | None) -> CommandError:
    """Turn a job's stored error into how a command ends."""
    if error is None:
        return CommandError("The job was cancelled.", ExitCode.INTERRUPTED)
    return CommandError(str(error["message"]), problem_of(str(error["code"])).exit_code)
