"""One lesson for all so far."""

from __future__ import annotations

from typing import Any

from banchu.models.scripted import ScriptedModel


async def test_a_running_summary_is_made_of_the_lessons_so_far_and_shown_alone(lab: Any) -> None:
    each, one = "visible_tests+stop=rounds+window=3", "visible_tests+stop=rounds+window=3+summary=running"
    said = iter(range(1000))
    fickle = lab.fickle()

    def reply(request: Any) -> str:
        return f"Lesson {next(said)}." if request.role == "reflector" else str(fickle._replies(request))

    await lab.run("run", lab.tasks(1), arms=f"{each},{one}", model=ScriptedModel(reply, id=fickle.id), rounds=3)
    told = {arm: all_of_it for (_, arm, _), all_of_it in lab.trajectories("run").items()}
    lessons = {arm: [text for _, text in sorted(all_of_it["reflections"].items())] for arm, all_of_it in told.items()}
    prompts = {
        (arm, role, round): prompt[-1][1]
        for arm, all_of_it in told.items()
        for role, round, prompt, *_ in all_of_it["calls"]
    }
    assert lessons[each][0] == lessons[one][0]  # nothing to condense yet, so it is the same call
    assert prompts[each, "actor", 3].count("Lesson ") == 3
    assert [prompts[one, "actor", round].count("Lesson ") for round in (1, 2, 3)] == [1, 1, 1]
    assert lessons[one][2] in prompts[one, "actor", 3]
    assert f"```text\n{lessons[one][0]}\n```" in prompts[one, "reflector", 1]
    assert all(lesson in prompts[one, "reflector", 2] for lesson in lessons[one][:2])
    assert "Lesson" not in prompts[each, "reflector", 2]
