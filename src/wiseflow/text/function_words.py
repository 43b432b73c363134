"""Small lists of function words and denials, by language."""

from __future__ import annotations

# Function words: articles, pronouns, prepositions, conjunctions, auxiliaries, and the commonest
# adverbs. They say how a sentence is built and not what it is about.
_LISTS = {
    "en": (
        "a about above after again against all also am an and any are aren't as at be because"
        " been before being below between both but by can can't cannot could couldn't did didn't"
        " do does doesn't doing don't down during each either else ever every few for from"
        " further had hadn't has hasn't have haven't having he he's her here hers herself him"
        " himself his how however i i'd i'll i'm i've if in into is isn't it it's its itself just"
        " let let's many may me might more most much must my myself neither no nor not now of off"
        " on once one only or other ought our ours ourselves out over own per rather same shall"
        " she she's should shouldn't since so some such than that that's the their theirs them"
        " themselves then there there's these they they're they've this those though through thus"
        " to too under until up upon us very via was wasn't we we're we've were weren't what"
        " what's when where whether which while who who's whom whose why will with within without"
        " won't would wouldn't yet you you're you've your yours yourself yourselves"
    ),
    "de": (
        "aber alle allem allen aller alles als also am an andere anderen anderer anderes auch"
        " auf aus bei beim bereits bin bis bist da dabei dadurch dafür damit danach dann daran"
        " darauf daraus darin darüber das dass dein deine dem den denn der deren des dessen die"
        " dies diese diesem diesen dieser dieses doch dort du durch ein eine einem einen einer"
        " eines er es etwa etwas euch euer für gegen gegenüber hab habe haben hat hatte hatten"
        " her hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren ihrer ihres im in indem ins"
        " ist ja je jede jedem jeden jeder jedes jedoch jene jener kann kein keine keinem keinen"
        " keiner können könnte man mehr mein meine mich mir mit muss müssen nach nachdem neben"
        " nicht nichts noch nun nur ob obwohl oder ohne schon sehr sein seine seinem seinen"
        " seiner seit sich sie sind so sogar solche soll sollen sondern sowie um und uns unser"
        " unsere unter viel vom von vor während war waren warum was weder weil welche welcher"
        " welches wenn wer werden wie wieder will wir wird wo wollen worden wurde wurden würde"
        " würden zu zum zur zwar zwischen über"
    ),
    "fr": (
        "a ai aie alors après as au aucun aucune aujourd'hui auquel aussi autre autres aux"
        " avaient avait avant avec avoir ayant beaucoup c ce ceci cela celle celles celui"
        " cependant certains ces cet cette ceux chaque chez ci comme comment contre d dans de"
        " depuis des dès donc dont du elle elles en encore entre est et étaient était étant été"
        " être eu eux fait faire fut hors ici il ils j je jusque l la laquelle le lequel les"
        " lesquels leur leurs lors lorsque lui là m ma mais malgré me même mêmes mes moi moins"
        " mon n ne ni non nos notre nous on ont ou où par parce pas pendant peu peut peuvent plus"
        " plusieurs pour pourquoi puis puisque qu quand que quel quelle quelles quelque quelques"
        " quels qui quoi s sa sans se selon sera seront ses si sien soi soit son sont sous sur t"
        " ta tandis te tel telle tes toi ton tous tout toute toutes très tu un une vers voici"
        " voilà vos votre vous y à ça"
    ),
    "es": (
        "a al algo algunas algunos ambos ante antes aquel aquella aquellas aquellos aquí así aun"
        " aunque aún bajo bien cada casi como cómo con contra cual cuales cualquier cuando cuándo"
        " de del desde donde dónde dos durante e el él ella ellas ello ellos en entonces entre"
        " era eran eres es esa esas ese eso esos esta está estaba estado están estar estas este"
        " esto estos fue fueron ha había habían haber han hasta hay he incluso la las le les lo"
        " los más me mediante mi mí mientras mis mismo misma mucho muchos muy nada ni no nos"
        " nosotros nuestra nuestro o os otra otras otro otros para pero poco por porque pues que"
        " qué quien quién se sea según ser si sí sido sin sino sobre solo sólo son su sus también"
        " tampoco tan tanto te tener tiene tienen toda todas todavía todo todos tras tu tú tus un"
        " una unas uno unos usted ustedes y ya yo"
    ),
    "it": (
        "a abbia ad agli ai al alcuni alcune all alla alle allo allora altre altri altro anche"
        " ancora anzi appena avere aveva avevano c che chi ci ciascuno ciò co come con contro"
        " cosa così cui d da dagli dai dal dalla dalle dallo degli dei del dell della delle dello"
        " dentro di dopo dove due dunque durante e è ed egli ella era erano essa esse essere essi"
        " esso fa fino fra fu furono gli ha hanno ho i il in infatti inoltre invece io l la le"
        " lei li lo loro lui ma me mediante mentre mi mio molti molto ne né negli nei nel nella"
        " nelle nello nessuno noi non nostra nostro o ogni oltre onde oppure ora per perché"
        " perciò però più poco poi possono presso prima proprio può qualche quale quali quando"
        " quanto quasi quella quelle quelli quello questa queste questi questo qui quindi s se"
        " secondo sempre senza si sì sia siamo sono sopra sotto stata state stati stato su sua"
        " subito sue sugli sui sul sulla sulle sullo suo suoi tale tali tanto te tra troppo tu"
        " tutta tutte tutti tutto un una uno verso vi voi vostro"
    ),
    "pt": (
        "a à ainda além algum alguma algumas alguns ante antes ao aos apenas após aquela aquelas"
        " aquele aqueles aquilo as às assim até através cada com como contra contudo cuja cujo da"
        " daquela daquele das de dela dele deles dentro depois desde dessa desse desta deste do"
        " dos durante e é ela elas ele eles em embora enquanto entre era eram essa essas esse"
        " esses esta está estão estas estava este estes estou eu foi foram há isso isto já la lhe"
        " lhes lo mais mas me mediante mesma mesmo meu meus minha muito muitos na nas nem nenhum"
        " nessa nesse nesta neste no nos nós nossa nosso num numa não o onde os ou outra outras"
        " outro outros para pela pelas pelo pelos per perante pode podem pois por porém porque"
        " portanto pouco primeiro qual quais qualquer quando quanto que quem se seja sem sempre"
        " sendo ser será seu seus si sido sob sobre sua suas também tanto te tem têm tendo ter"
        " teve tinha toda todas todo todos tu tua um uma umas uns você vocês"
    ),
    "nl": (
        "aan achter af al alle alleen alles als altijd ander andere anders behalve ben beneden"
        " bij binnen boven buiten daar daarom dan dat de der deze die dit doch doen door dus een"
        " eens eerst eigen elk elke en er erg ge geen geweest haar had hadden heb hebben heeft"
        " hem het hier hij hoe hun ieder iedere iemand iets ik in indien is ja je jij jou jouw"
        " juist kan kon konden kunnen maar me meer men met mij mijn moet moeten mocht na naar"
        " naast niemand niet niets noch nog nu of om omdat onder ons onze ook op over per reeds"
        " sinds soms steeds te tegen tenzij terwijl toch toe toen tot tussen u uit uw van veel"
        " vanaf vanuit verder via voor vooral waar waarom wanneer want waren was wat we weer wel"
        " welke werd werden wie wij wil worden wordt zal ze zelf zich zij zijn zo zoals zonder"
        " zou zouden"
    ),
}

FUNCTION_WORDS: dict[str, frozenset[str]] = {
    language: frozenset(listed.split()) for language, listed in _LISTS.items()
}
"""Function words by ISO 639-1 code, case-folded."""

NEGATIONS: dict[str, frozenset[str]] = {
    language: frozenset(listed.split())
    for language, listed in {
        "en": "no not never none nobody nothing nowhere neither nor cannot without hardly unable",
        "de": "nicht kein keine keinem keinen keiner keines nie niemals niemand nichts nirgends"
        " weder ohne kaum",
        "fr": "ne n pas aucun aucune jamais personne rien ni nulle sans guère",
        "es": "no nunca jamás nadie nada ningún ninguna ninguno ni sin tampoco",
        "it": "non no mai nessun nessuna nessuno niente nulla né neanche nemmeno senza",
        "pt": "não nunca jamais ninguém nada nenhum nenhuma nem sem tampouco",
        "nl": "niet geen nooit niemand niets nergens noch zonder nauwelijks",
        "zh": "不 没 沒 無 无 非 未 勿 别",
        "ja": "ない ません なかっ ず なし 無",
        "ru": "не нет ни никогда никто ничего нигде без нельзя",
    }.items()
}
"""Words that deny, by ISO 639-1 code, case-folded; for unspaced scripts, parts of words."""
