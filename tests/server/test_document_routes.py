"""Documents over REST: uploaded within a quota, listed, searched, deleted."""

import pytest

COLLECTIONS = "/api/v1/collections"
NOTE = (
    b"# Neap tides\n\nNeap tides are weak, as the pulls of the Moon and the Sun work crosswise.\n"
)


def file(name="neap.md", content=NOTE):
    return ("files", (name, content))


async def test_files_are_uploaded_found_and_deleted(api):
    sent = await api.post("/collections/notes%20of%20mine/files", files=[file(), file("b.txt")])
    again = await api.post("/collections/notes%20of%20mine/files", files=[file()])
    listed = (await api.get("/collections")).json()["collections"]
    names = (await api.get("/collections/notes%20of%20mine/files")).json()["files"]
    search = {"query": "weak tides", "collection": "notes of mine"}
    hits = (await api.get("/search", params=search)).json()["hits"]
    removed = await api.delete("/collections/notes%20of%20mine/files/b.txt")
    left = (await api.get("/collections/notes%20of%20mine/files")).json()["files"]
    deleted = await api.delete("/collections/notes%20of%20mine")

    assert (sent.json()["added"], sent.json()["failed"]) == (2, [])
    assert (again.json()["added"], again.json()["unchanged"]) == (0, 2)
    [mine] = [one for one in listed if one["name"] == "notes of mine"]
    assert (mine["files"], mine["private"]) == (2, False)
    assert [one["name"] for one in names] == ["b.txt", "neap.md"]
    assert hits[0]["rank"] == 1
    assert "Neap tides are weak" in hits[0]["text"]
    assert removed.status_code == 204
    assert [one["name"] for one in left] == ["neap.md"]
    assert deleted.status_code == 204
    assert (await api.get("/search", params=search)).status_code == 404


async def test_a_file_that_cannot_be_read_is_named_and_not_kept(api):
    sent = await api.post("/collections/bad/files", files=[file("broken.pdf", b"no pdf"), file()])

    assert sent.json()["added"] == 1
    [failed] = sent.json()["failed"]
    assert failed["name"] == "broken.pdf"
    again = await api.post("/collections/bad/files", files=[file()])
    assert again.json()["failed"] == []


@pytest.mark.parametrize(
    "name", ["../../evil.md", "/etc/passwd.md", ".hidden.md", "a\\b.md", "x.exe"]
)
async def test_a_name_that_leads_elsewhere_is_refused(client, application, name):
    answer = await client.post(f"{COLLECTIONS}/papers/files", files=[file(name)])

    assert answer.status_code == 422
    assert not list(application.settings.data_dir.rglob("*.md"))


async def test_more_than_the_quota_is_refused_whole(client, application, monkeypatch):
    settings = application.settings.model_copy(update={"upload_quota_bytes": 2 * len(NOTE)})
    monkeypatch.setattr(application, "settings", settings)

    files = [file(f"{number}.md") for number in range(3)]
    answer = await client.post(f"{COLLECTIONS}/papers/files", files=files)

    assert answer.status_code == 413
    assert "UPLOAD_QUOTA_BYTES" in answer.json()["cure"]
    assert not list(application.settings.data_dir.rglob("*.md"))


async def test_an_upload_needs_files(client):
    nothing = await client.post(f"{COLLECTIONS}/papers/files", json={"files": []})

    assert nothing.status_code == 415


@pytest.mark.parametrize("path", ["papers/files", "papers/files/a.md"])
async def test_what_is_not_there_is_not_found(client, path):
    method = client.delete if path.endswith(".md") else client.get

    assert (await method(f"{COLLECTIONS}/{path}")).status_code == 404
    assert (await client.delete(f"{COLLECTIONS}/papers")).status_code == 404
