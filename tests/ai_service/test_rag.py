from __future__ import annotations

import base64

import pytest


def send(http, ai, message, **fields):
    return http.post(f"{ai.url}/api/chat/send", json={"message": message, "user_id": "u1", **fields}, timeout=5)


def test_it_finds_passages_and_names_their_sources(ai, http):
    answer = send(http, ai, "C'est quoi l'AEEH et est-ce que j'y ai droit ?", user_context={}).json()
    assert answer.keys() == {"answer", "conversation_id", "sources", "suggestions", "processing_time"}
    assert "allocation d’éducation de l’enfant handicapé" in answer["answer"]
    assert "[1]" in answer["answer"]
    assert answer["sources"][0]["url"].startswith("https://")
    assert answer["sources"][0]["title"].startswith("L’AEEH")
    assert all(isinstance(suggestion, str) for suggestion in answer["suggestions"])
    assert answer["conversation_id"]
    assert answer["processing_time"] >= 0


def test_an_english_question_is_answered_from_the_english_entries(ai, http):
    answer = send(http, ai, "How do I get an AESH for my child?").json()
    assert "school" in answer["answer"]
    assert answer["sources"][0]["title"].startswith("The AESH")


def test_a_follow_up_question_is_searched_with_the_previous_question(ai, http):
    history = [{"role": "user", "content": "C'est quoi l'AJPP ?"}, {"role": "assistant", "content": "…"}]
    answer = send(http, ai, "et pour combien de temps ?", conversation_history=history).json()
    assert any("AJPP" in source["title"] for source in answer["sources"])


@pytest.mark.parametrize("message", ["Quelle est la capitale de la Mongolie ?", "un gâteau d'anniversaire au chocolat"])
def test_without_a_matching_entry_the_answer_has_no_sources(ai, http, message):
    answer = send(http, ai, message).json()
    assert "0 800 360 360" in answer["answer"]
    assert answer["sources"] == []


def test_a_document_is_explained_with_suggestions(ai, http):
    document = base64.b64encode("Votre demande d'AEEH est rejetée.".encode()).decode()
    body = {"document": document, "documentType": "text", "documentKind": "mdph", "fileName": "lettre.pdf"}
    answer = http.post(f"{ai.url}/api/chat/analyze-document", json=body, timeout=5).json()
    assert answer.keys() == {"analysis", "suggestions"}
    assert "> Votre demande d'AEEH est rejetée." in answer["analysis"]
    assert answer["suggestions"]
    assert ai.calls_of("analyze") == 1


@pytest.mark.parametrize("body", [{}, {"message": " "}, {"message": 5}, {"message": "a", "conversation_history": "b"}])
def test_invalid_input_gets_400(ai, http, body):
    assert http.post(f"{ai.url}/api/chat/send", json=body, timeout=5).status_code == 400


def test_a_document_without_text_gets_400_and_counts_as_an_analysis(ai, http):
    assert http.post(f"{ai.url}/api/chat/analyze-document", json={}, timeout=5).status_code == 400
    assert ai.calls_of("analyze") == 1
