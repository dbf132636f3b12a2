"""What the language model reads of a post."""

from text.prose import by_script, prose


def test_prose_keeps_words_and_combining_letters() -> None:
    assert prose("jajajaja gooooool, #VamosRafa &amp; 3-0!") == "ja gol vamosrafa"
    assert prose("C'est l'été") == "c'est l'été"
    assert prose("क्या हो रहा है?") == "क्या हो रहा है"
    assert prose("see www.example.org/x or pic.twitter.com/y") == "see or"


def test_the_script_decides_for_chinese_and_japanese_only() -> None:
    assert by_script("新しいカメラ dslr") == "ja"
    assert by_script("快递没有更新") == "zh"
    assert by_script("my new 快递") is None
    assert by_script("третий день") is None


def test_what_joins_emoji_is_no_word_and_what_joins_letters_stays() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
    assert prose(f"Velmora {family} {family * 3}") == "velmora"
    assert prose("क्\u200dष") == "क्\u200dष"
