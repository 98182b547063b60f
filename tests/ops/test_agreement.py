"""Nodes of one installation know where their settings differ, and say it."""

import dataclasses

from esl_vm.cli.settings_file import load_settings
from esl_vm.model.agreement import FIELD, differences, in_common, packed
from esl_vm.model.cluster import ClusterState, NodeState
from esl_vm.ops.snapshot import Snapshot


def settings(**given):
    return load_settings(
        None, {"data_dir": "/tmp/x", **{name.replace("__", "."): value for name, value in given.items()}}
    )


def state(name, told, *, alive=True):
    return NodeState(name, 0.0, alive, "1", 1, {FIELD: packed(told)} if told is not None else {})


def test_nodes_of_the_same_settings_agree():
    told = in_common(settings())
    assert differences("a", told, [state("a", {}), state("b", told), state("old", None)]) == []


def test_a_difference_names_both_nodes_the_setting_and_both_values():
    here = in_common(settings())
    there = in_common(settings(audio__store="s3", audio__bucket="voicemial", mailbox__maxmsg=7))
    found = differences(
        "node1", here, [state("node2", there), state("node3", there), state("gone", there, alive=False)]
    )
    assert "audio.store is 'redis' on node1, 's3' on node2, node3" in found
    assert "audio.bucket is as it comes on node1, 'voicemial' on node2, node3" in found
    assert "mailbox.maxmsg is as it comes on node1, '7' on node2, node3" in found
    assert len(found) == 3


def test_nodes_transcribe_all_or_none_of_them_each_with_an_engine_of_its_own():
    none = in_common(settings())
    server = in_common(settings(transcription__engine="http", transcription__url="http://127.0.0.1:1"))
    own = in_common(settings(transcription__engine="faster-whisper", transcription__folder="/model"))
    assert differences("a", server, [state("b", own)]) == []
    assert "transcription.engine is as it comes on a, 'set' on b" in differences("a", none, [state("b", own)])


def test_no_secret_is_told():
    url = "https://user:pw-of-hook@hooks.example/path-token?sig=tk-of-hook"
    told = packed(
        in_common(
            settings(
                webhook__url=url, webhook__secret="secret-of-hook", audio__access_key="a", audio__secret_key="key-of-s3"
            )
        )
    )
    for secret in ("pw-of", "path-token", "tk-of", "secret-of", "key-of"):
        assert secret not in told
    assert "hooks.example" in told


def test_a_node_that_differs_is_not_ready():
    snapshot = Snapshot("a", 0.0, cluster=ClusterState(), workers=1)
    assert snapshot.not_ready == []
    differing = dataclasses.replace(snapshot, differing=("audio.store is 'redis' on a, 's3' on b",))
    assert differing.not_ready == ["settings: audio.store is 'redis' on a, 's3' on b"]
