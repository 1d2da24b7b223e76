package main

import "math/rand/v2"

// Names are made of these; nobody is meant.
var (
	surnames = []rune("赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许何吕施张孔曹严华金魏陶姜谢邹喻柏水窦章云苏潘葛范彭郎鲁韦马苗方俞任袁柳唐罗薛雷贺倪汤殷毕郝安常乐于时傅齐康伍余元顾孟平黄穆萧尹姚邵汪毛狄米贝明戴宋庞熊纪舒项祝董梁杜阮蓝季贾路江童颜郭梅盛林钟徐邱骆高夏蔡田樊胡凌霍万柯卢莫丁邓洪包石崔吉龚程邢裴陆荣翁侯武刘龙叶白关曾沙")
	given    = []rune("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂英华玉梅建国文辉红春志海林晓东波宁福龙生凤洁琴素云莲真环雪荣爱妹香月莺媛瑞凡佳嘉琼勤珍贞莉青倩婷姣婉娴瑾颖露瑶怡婵雁蓓纨仪荷丹蓉眉君琳苑岚艺咏卿聪澜纯毓悦昭冰爽琬茗羽希欣飘育滢馥筠柔竹霭凝心翠雅芝巧美露德泽宇浩鹏飞翔宏达俊峰博文轩昊然天一鸣晨曦阳光旭东升立新家豪振兴启贤庆忠义仁智信良成才学斌彬彪松柏森林江河湖源流清泉山川石岩")
	// syllabic are characters of places and firms.
	syllabic = "东西南北中安平和兴隆昌盛泰康宁福永新华青山绿水河湖江海石门金银玉龙虎凤梅兰松柏云天阳光明月春秋朝晖长丰顺利达通宏远大成国泰民城关桥头沟塘坪岭坡岗庄屯营堡寨"
)

func person(r *rand.Rand) string {
	name := string(surnames[r.IntN(len(surnames))])
	for range 1 + min(1, r.IntN(4)) {
		name += string(given[r.IntN(len(given))])
	}
	return name
}

func place(r *rand.Rand) string {
	c := []rune(syllabic)
	name := string(c[r.IntN(len(c))]) + string(c[r.IntN(len(c))])
	return name + pick(r, "", "县", "市", "区", "镇", "乡", "村", "路", "街", "小区")
}
