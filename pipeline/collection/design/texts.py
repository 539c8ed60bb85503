"""The texts of the pages; each can be changed or translated in `study.toml`."""

from __future__ import annotations

from avcues.pipeline.collection.design.questions import DesignPart


class Texts(DesignPart):
    """All texts except the study's own pages and questions. `{...}` is replaced by a value."""

    begin: str = "Begin"
    go_on: str = "Continue"
    back_again: str = "You have already begun on this device."
    go_on_here: str = "Continue where I stopped"
    other_person: str = "Begin as another person"
    keep_address: str = "To interrupt and continue later, keep the address of this page."
    progress: str = "Clip {number} of {total}"
    practice: str = "Practice {number} of {total}"
    loading: str = "Loading the clip … {percent} %"
    ready: str = "Ready. Your rating begins with the clip."
    start: str = "Start"
    move_hint: str = "Move the mouse, drag with a finger or a pen, or hold the arrow keys."
    listen: str = "Sound only: please listen."
    stopped: str = "The clip is paused, because this page was not in front."
    resume: str = "Continue the clip"
    unmoved: str = "Your rating has not moved for a while. Does it still fit?"
    after_clip: str = "About the clip"
    yes: str = "Yes"
    no: str = "No"
    own_word: str = "A word of your own"
    choose: str = "Choose at least {least}."
    choose_most: str = "Choose at most {most}."
    required: str = "Please answer this question."
    consent: str = "I agree"
    consent_needed: str = "You can only take part if you agree."
    sound_title: str = "Can you hear it?"
    sound_text: str = "Play the sound and count the tones. Set the volume so that they are comfortable."
    sound_play: str = "Play the sound"
    sound_count: str = "How many tones did you hear?"
    sound_wrong: str = "That is not the number of tones. Please check the volume, and play them again."
    follow_title: str = "Follow the point"
    follow_text: str = "Keep on the moving point as well as you can, for {seconds} seconds."
    saving: str = "Saving …"
    unsaved: str = (
        "The study's server cannot be reached. Your ratings are kept here and are sent as soon as it is back; "
        "please leave this page open."
    )
    full: str = (
        "The study's server cannot save at the moment. Your ratings are kept here and are sent as soon as it can; "
        "please leave this page open and tell the researcher."
    )
    other_tab: str = "The study is open in another tab or window. Please continue there, or here:"
    use_this_tab: str = "Continue in this tab"
    clip_failed: str = "The clip cannot be played on this device. Please tell the researcher: {reason}"
    no_place: str = "Thank you for your interest. All ratings of this study have been given."
    wait: str = "The next part has not begun yet. This page continues by itself as soon as it has."
    end_title: str = "Thank you"
    end: str = "All your ratings are saved. You can close this page."
    completion: str = "Back to where you came from"
    removed: str = "This address is not known to the study. Please use the link that you were given."
