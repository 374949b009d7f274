"""Do the vendor's specifications become devices, with their limits as values?"""

from __future__ import annotations

import json

import pytest

from backends.pasqal.devices import SANDBOX_WIDTH, devices_of
from broker.domain.device import Kind, Status

SPEC = {
    "name": "FRESNEL",
    "max_atom_num": 100,
    "max_runs": 500,
    "max_sequence_duration": 6000,
    "min_atom_distance": 5,
    "channels": [{"id": "rydberg_global", "addressing": "Global"}],
    "default_noise_model": {"p_false_pos": 0.01, "p_false_neg": 0.05},
}


def devices(specs=None, *, allowed=None, widths=None, sandbox=False):
    texts = {name: json.dumps(spec) for name, spec in (specs or {"FRESNEL": SPEC}).items()}
    found = devices_of(texts, allowed=allowed, widths=widths or {}, region="fr", sandbox=sandbox)
    return {device.name: device for device in found}


def test_a_machine_has_the_limits_of_its_specification():
    fresnel = devices()["pasqal/fresnel"]
    assert fresnel.kind is Kind.QPU
    assert (fresnel.width, fresnel.max_shots, fresnel.max_duration_us) == (100, 500, 6.0)
    assert fresnel.global_drive_only is True
    assert fresnel.calibration.readout_error == pytest.approx(0.03)
    assert dict(fresnel.extra)["min_atom_distance_um"] == "5"
    assert fresnel.max_run_ms == 500 * 4000


def test_a_local_channel_or_a_detuning_map_is_more_than_a_global_drive():
    local = {**SPEC, "channels": [*SPEC["channels"], {"id": "raman_local", "addressing": "Local"}]}
    mapped = {**SPEC, "dmm_objects": [{"id": "dmm_0"}]}
    assert devices({"FRESNEL": local})["pasqal/fresnel"].global_drive_only is False
    assert devices({"FRESNEL": mapped})["pasqal/fresnel"].global_drive_only is False


def test_the_emulated_machine_has_the_limits_of_the_real_one():
    emulated = devices()["pasqal/emu-fresnel"]
    assert emulated.kind is Kind.SIMULATOR
    assert (emulated.width, emulated.max_shots) == (100, 500)


def test_emulators_have_no_limit_but_the_hubs():
    found = devices(widths={"EMU_SV": 25})
    assert found["pasqal/emu-sv"].width == 25
    assert found["pasqal/emu-mps"].width is None


def test_only_what_the_project_may_use_is_offered():
    found = devices(allowed=["EMU_FREE", "FRESNEL"])
    assert set(found) == {"pasqal/emu-free", "pasqal/fresnel"}


def test_an_allowed_machine_without_a_specification_is_offline():
    found = devices(allowed=["FRESNEL", "FRESNEL_CAN1"])
    assert found["pasqal/fresnel"].status is Status.ONLINE
    assert found["pasqal/fresnel-can1"].status is Status.OFFLINE


def test_a_machine_that_nobody_foresaw_is_offered_by_its_specification():
    assert devices({"ORION": {**SPEC, "name": "ORION"}})["pasqal/orion"].kind is Kind.QPU


def test_the_real_vendor_has_no_price_of_ours():
    assert all(device.price is None for device in devices().values())


def test_a_sandbox_is_marked_and_says_what_it_is():
    found = devices(sandbox=True)
    assert all(device.sandbox and device.region == "sandbox" for device in found.values())
    assert all("QuTiP" in device.notes for device in found.values())
    assert all(device.width == SANDBOX_WIDTH for device in found.values())
    sources = {device.price.source for device in found.values()}
    assert sources == {"sandbox example, not a vendor price"}
